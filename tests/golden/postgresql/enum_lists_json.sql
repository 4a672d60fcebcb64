CREATE TABLE "Palette" (
  "id" bigint NOT NULL,
  "colors" jsonb NOT NULL,
  "avoided" jsonb NOT NULL,
  "accents" jsonb,
  PRIMARY KEY ("id"),
  CONSTRAINT "ch_Palette_colors" CHECK ("colors" <@ '["red", "green", "blue"]'::jsonb),
  CONSTRAINT "ch_Palette_avoided" CHECK ("avoided" <@ '["red", "green", "blue"]'::jsonb),
  CONSTRAINT "ch_Palette_accents" CHECK ("accents" <@ '["red", "green", "blue"]'::jsonb)
);
