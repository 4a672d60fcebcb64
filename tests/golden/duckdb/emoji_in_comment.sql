CREATE TABLE "Postcard" (
  "id" BIGINT NOT NULL,
  PRIMARY KEY ("id")
);
COMMENT ON TABLE "Postcard" IS 'Wish you were here 🙂.';
