// What pages do more while scripts run: everything works without.
const root = document.documentElement
root.classList.add('js')
const zone = { full: { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'short' } }
const $ = (id, of = document) => of.getElementById(id)
const canon = new Map() // what the server last said of each part that changes, by id

// Times are written in the reader's zone.
function localise(part) {
  for (const time of part.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (isNaN(at)) continue
    const full = at.toLocaleString('sv', zone.full) // as 2026-11-24 14:05:21 UTC
    time.title = full
    if (time.dataset.form === 'full') time.textContent = full
    if (time.dataset.form === 'clock') time.textContent = at.toLocaleTimeString('sv')
  }
}

function remember() {
  canon.clear()
  for (const part of document.querySelectorAll('#rows > tr, #pane, #chart, #found')) canon.set(part.id, part.outerHTML)
}

// Answers may overtake each other. What was asked before what is shown was asked is old.
let asked = 0, shown = 0
const stale = (page) => page.turn < shown
async function load(url, options = {}) {
  const turn = ++asked
  const answer = await fetch(url, { redirect: 'follow', ...options, headers: { 'X-Live': options.person ? '' : '1', ...options.headers } })
  if (answer.status === 401 || new URL(answer.url).pathname === '/sign-in') { location.reload(); throw new Error('signed out') }
  if (answer.status >= 500 || answer.status === 404) throw new Error(String(answer.status))
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  page.turn = turn
  return page
}

// holds says whether the reader is in the middle of something in a part.
function holds(part) {
  const selected = getSelection()
  return !!part.querySelector('.menu[open]') || (!selected.isCollapsed && part.contains(selected.anchorNode))
}

// swap replaces a part by the server's, and gives the focus back.
function swap(old, fresh) {
  if (canon.get(old.id) === fresh.outerHTML || holds(old)) return old
  canon.set(old.id, fresh.outerHTML)
  const focused = old.contains(document.activeElement) ? document.activeElement.id : ''
  const opened = [...old.querySelectorAll('details[open][id]')].map((d) => d.id)
  const scrolled = [...old.querySelectorAll('pre')].map((p) => p.scrollTop)
  old.replaceWith(fresh)
  localise(fresh)
  for (const id of opened) if ($(id)) $(id).open = true
  fresh.querySelectorAll('pre').forEach((p, i) => { p.scrollTop = scrolled[i] ?? 0 })
  if (focused) $(focused)?.focus({ preventScroll: true })
  return fresh
}

// merge brings the rows of a list up to date, row by row.
function merge(page) {
  if (stale(page)) return
  shown = page.turn
  const rows = $('rows'), fresh = $('rows', page)
  for (const id of ['chart', 'found']) if ($(id) && $(id, page)) swap($(id), $(id, page))
  const stamp = $('updated'), now = $('updated', page)
  if (stamp && now) { stamp.replaceWith(now); localise(now) }
  for (const old of document.querySelectorAll('.tabs .n')) { const n = page.querySelector('.tabs .n'); if (n) old.textContent = n.textContent }
  if (!rows || !fresh) { if (!rows !== !fresh) split(page); return }
  const wanted = new Set([...fresh.children].map((row) => row.id))
  for (const row of [...rows.children]) if (!wanted.has(row.id) && !holds(row)) { canon.delete(row.id); row.remove() }
  let before = null
  for (const row of [...fresh.children].reverse()) {
    let mine = $(row.id)
    if (mine) mine = swap(mine, row)
    else { mine = row; canon.set(row.id, row.outerHTML); localise(row); row.classList.add('fresh') }
    if (mine.nextElementSibling !== before || mine.parentNode !== rows) rows.insertBefore(mine, before)
    before = mine
  }
  const live = document.querySelector('[data-live]'), news = page.querySelector('[data-live]')
  if (live && news) live.dataset.live = news.dataset.live
  const foot = document.querySelector('.foot'), newFoot = page.querySelector('.foot')
  if (foot && newFoot && !foot.contains(document.activeElement)) foot.replaceWith(newFoot)
  if ($('pane') && $('pane', page)) swap($('pane'), $('pane', page))
}

// split replaces list and pane whole.
function split(page) {
  const old = $('split'), fresh = $('split', page)
  if (!old || !fresh) { location.reload(); return }
  old.replaceWith(fresh)
  remember()
  localise(fresh)
}

// The list is read again every few seconds while somebody can see it.
let timer
function schedule() {
  clearTimeout(timer)
  const live = document.querySelector('[data-live]')
  if (live) timer = setTimeout(poll, Number(live.dataset.live) * 1000)
}
async function poll() {
  if (document.visibilityState !== 'visible') return schedule()
  const part = $('split') || document.querySelector('[data-live]')
  const here = location.href
  part?.setAttribute('aria-busy', 'true')
  try {
    const page = await load(here)
    if (here === location.href) merge(page)
  } catch {
    const stamp = $('updated')
    if (stamp && !stamp.dataset.failed) { stamp.dataset.failed = '1'; stamp.firstChild.textContent = stamp.dataset.stale + ' ' }
  }
  part?.removeAttribute('aria-busy')
  schedule()
}
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') { clearTimeout(timer); if (document.querySelector('[data-live]')) poll() } })

// A delivery opens beside the list without a reload; its address is the page's.
async function open(url, push, focus) {
  $('split')?.setAttribute('aria-busy', 'true')
  let page
  try { page = await load(url, { person: true }) } catch { location.href = url; return }
  if (stale(page)) return
  shown = page.turn
  if (push) history.pushState(null, '', url)
  split(page)
  if ($('clear', page)) $('clear')?.replaceWith($('clear', page))
  $(focus)?.focus({ preventScroll: focus !== 'close' })
  schedule()
}
const plain = (e) => e.button === 0 && !e.metaKey && !e.ctrlKey && !e.shiftKey && !e.altKey
document.addEventListener('click', (e) => {
  const link = e.target.closest('a')
  if (link && $('split') && plain(e)) {
    if (link.matches('.opens')) { e.preventDefault(); open(link.href, true, 'close') }
    else if (link.closest('.steps') || link.id === 'raw') { e.preventDefault(); open(link.href, true, link.id) }
    else if (link.id === 'close') { e.preventDefault(); const at = document.querySelector('tr.open a.opens'); open(link.href, true, at ? at.id : '') }
  }
  const copy = e.target.closest('[data-copy]')
  if (copy) copyText(copy.dataset.copy)
  for (const menu of document.querySelectorAll('.menu[open]')) if (!menu.contains(e.target)) menu.open = false
})
addEventListener('popstate', () => { if ($('split')) open(location.href, false, '') })

async function copyText(id) {
  const text = $(id).textContent
  try { await navigator.clipboard.writeText(text) } catch {
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
  $('copied').textContent = $('copied').dataset.done
}

document.addEventListener('keydown', (e) => {
  const field = e.target.closest('input, select, textarea')
  if (e.key === 'Escape') {
    const menu = document.querySelector('.menu[open]')
    if (menu) { menu.open = false; menu.querySelector('summary').focus() }
    else if ($('close') && !field) $('close').click()
  } else if (e.key === '/' && !field && !e.ctrlKey && !e.metaKey && !e.altKey && $('search')) { e.preventDefault(); $('search').focus() }
})

// Forms: what does not matter now is hidden, and trying out keeps the page.
function dependent() {
  for (const part of document.querySelectorAll('.of')) {
    const [name, value] = part.dataset.for.split('=')
    part.hidden = document.querySelector(`input[name="${name}"]:checked`)?.value !== value
  }
  const type = $('type')?.value
  for (const part of document.querySelectorAll('.http-only')) part.hidden = type !== 'http' || (part.matches('.custom-only') && $('payload-format').value !== 'Custom')
  if ($('span')) for (const part of document.querySelectorAll('.custom')) part.hidden = $('span').value !== 'custom'
}
document.addEventListener('change', (e) => {
  dependent()
  if (e.target.name === 'page_size') e.target.form.submit()
})
$('webhook-form')?.addEventListener('submit', async (e) => {
  const part = e.submitter?.dataset.part
  if (!part) return
  e.preventDefault()
  const box = $(part)
  box.setAttribute('aria-busy', 'true')
  e.submitter.disabled = true
  try {
    const page = await load(e.submitter.formAction, { method: 'POST', body: new URLSearchParams(new FormData(e.target)), person: true })
    const fresh = $(part, page)
    box.querySelector('.result')?.remove()
    if (fresh?.querySelector('.result')) box.append(fresh.querySelector('.result'))
    errors(page)
  } catch { e.target.action = e.submitter.formAction; e.target.submit() }
  e.submitter.disabled = false
  box.removeAttribute('aria-busy')
})

// errors shows what the server says is wrong, beside the fields and in the summary.
function errors(page) {
  $('summary')?.remove()
  document.querySelectorAll('#webhook-form .err').forEach((err) => err.remove())
  document.querySelectorAll('#webhook-form [aria-invalid]').forEach((field) => field.removeAttribute('aria-invalid'))
  for (const err of page.querySelectorAll('#webhook-form .err')) {
    const field = $(err.id.replace(/-err$/, ''))
    if (!field) continue
    field.after(err)
    if (field.matches('input, textarea, select')) { field.setAttribute('aria-invalid', 'true'); field.setAttribute('aria-describedby', err.id) }
  }
  const summary = $('summary', page)
  if (summary) { $('webhook-form').before(summary); summary.focus() }
}

remember()
localise(document)
dependent()
schedule()
document.querySelector('[data-focus]')?.focus()
