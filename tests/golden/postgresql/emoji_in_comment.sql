CREATE TABLE "Postcard" (
  "id" bigint NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Postcard" IS 'Wish you were here 🙂.';
