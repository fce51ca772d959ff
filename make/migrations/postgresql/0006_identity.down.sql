DROP TABLE robot;
DROP TABLE user_session;
