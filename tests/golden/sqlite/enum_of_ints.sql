CREATE TABLE "Ticket" (
  "id" INTEGER NOT NULL,
  "priority" TEXT NOT NULL DEFAULT '1',
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Ticket_priority" CHECK ("priority" IN ('1', '10'))
) STRICT;
