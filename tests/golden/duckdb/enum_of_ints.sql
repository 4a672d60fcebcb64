CREATE TABLE "Ticket" (
  "id" BIGINT NOT NULL,
  "priority" ENUM('1', '10') NOT NULL DEFAULT '1',
  PRIMARY KEY ("id")
);
