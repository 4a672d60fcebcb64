CREATE TABLE "Nickname" (
  "id" BIGINT NOT NULL,
  "name" VARCHAR NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "ix_Nickname_1" ON "Nickname" ((lower("name")));
