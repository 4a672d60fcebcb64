CREATE TABLE "Club" (
  "id" bigint NOT NULL,
  "captain" bigint,
  PRIMARY KEY ("id")
);

CREATE TABLE "Player" (
  "id" bigint NOT NULL,
  "club" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "fk_Player_club" FOREIGN KEY ("club") REFERENCES "Club" ("id")
);

ALTER TABLE "Club" ADD CONSTRAINT "fk_Club_captain" FOREIGN KEY ("captain") REFERENCES "Player" ("id");
