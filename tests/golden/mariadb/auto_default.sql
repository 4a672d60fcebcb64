CREATE TABLE `Department` (
  `id` int NOT NULL,
  `name` varchar(50) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`),
  CONSTRAINT `uq_Department_name` UNIQUE (`name`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE `Telegram` (
  `id` bigint NOT NULL,
  `done` boolean NOT NULL DEFAULT false,
  `words` int NOT NULL DEFAULT 0,
  `costs` decimal(10, 2) NOT NULL DEFAULT 0,
  `weight` double NOT NULL DEFAULT 0.0,
  `text` mediumtext NOT NULL DEFAULT (''),
  `code` varchar(5) NOT NULL DEFAULT '',
  `raw` varbinary(8) NOT NULL DEFAULT x'',
  `day` date NOT NULL DEFAULT '0001-01-01',
  `sent` datetime(6) NOT NULL DEFAULT '0001-01-01 00:00:00',
  `clock` time(6) NOT NULL DEFAULT '00:00:00',
  `lasted` bigint NOT NULL DEFAULT 0,
  `token` uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  `plan` enum('free', 'team') NOT NULL DEFAULT 'free',
  `stars` bigint NOT NULL DEFAULT 1,
  `office` int NOT NULL,
  `title` mediumtext NOT NULL DEFAULT ('STOP'),
  `memo` mediumtext,
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_Telegram_office` FOREIGN KEY (`office`) REFERENCES `Department` (`id`),
  CONSTRAINT `ch_Telegram_stars` CHECK (`stars` BETWEEN 1 AND 5)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
