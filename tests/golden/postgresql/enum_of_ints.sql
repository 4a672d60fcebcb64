CREATE TYPE "Priority" AS ENUM ('1', '10');

CREATE TABLE "Ticket" (
  "id" bigint NOT NULL,
  "priority" "Priority" NOT NULL DEFAULT '1',
  PRIMARY KEY ("id")
);
