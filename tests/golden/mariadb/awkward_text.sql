SET NAMES utf8mb4;
SET SESSION sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '');

CREATE TABLE `Proverb` (
  `id` bigint NOT NULL,
  `remark` enum('it''s', 'say "hi"', 'C:\\new\\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?') NOT NULL,
  `text` varchar(200) NOT NULL DEFAULT 'it''s \\ "quoted"
''; DROP TABLE x; -- 🙂' COMMENT 'Can''t be \\'' escaped; "really" /* not */ -- at all ☃',
  `long_text` mediumtext NOT NULL DEFAULT ('\\'''),
  `choice` enum('a''b', 'c\\d') NOT NULL DEFAULT 'a''b',
  `usual` enum('it''s', 'say "hi"', 'C:\\new\\''x', 'one
two	tabbed', '''; DROP TABLE x; --', '☃ and 🙂', '100% {of} it :all $1 ?') NOT NULL DEFAULT 'C:\\new\\''x',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='It''s a "table" \\ with ''quotes'',
two lines, a ☃; and ''; DROP TABLE x; --';
