CREATE TABLE "Palette" (
  "id" BIGINT NOT NULL,
  "colors" ENUM('red', 'green', 'blue')[] NOT NULL,
  "avoided" ENUM('red', 'green', 'blue')[] NOT NULL,
  "accents" ENUM('red', 'green', 'blue')[],
  PRIMARY KEY ("id")
);
