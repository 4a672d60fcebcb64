CREATE TABLE "Ticket" (
  "id" bigint NOT NULL,
  "priority" varchar(64) DEFAULT '1' NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Ticket_priority" CHECK ("priority" IN ('1', '10'))
);
