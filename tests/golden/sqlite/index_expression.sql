CREATE TABLE "Nickname" (
  "id" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  PRIMARY KEY ("id")
) STRICT;
CREATE UNIQUE INDEX "ix_Nickname_1" ON "Nickname" ((lower("name")));
