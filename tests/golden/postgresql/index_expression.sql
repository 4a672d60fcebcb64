CREATE TABLE "Nickname" (
  "id" bigint NOT NULL,
  "name" varchar(80) NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "ix_Nickname_1" ON "Nickname" ((lower("name")));
