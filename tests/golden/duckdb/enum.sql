CREATE TABLE "Poster" (
  "id" BIGINT NOT NULL,
  "background" ENUM('red', 'green', 'blue') NOT NULL,
  "frame" ENUM('red', 'green', 'blue'),
  "ink" ENUM('red', 'green', 'blue') NOT NULL DEFAULT 'blue',
  PRIMARY KEY ("id")
);
