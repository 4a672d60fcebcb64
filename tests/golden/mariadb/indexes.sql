CREATE TABLE `Account` (
  `id` bigint NOT NULL,
  `email` varchar(200) NOT NULL,
  `name` varchar(80) NOT NULL,
  `city` varchar(80) NOT NULL,
  `created` datetime(6) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
CREATE UNIQUE INDEX `ix_Account_email` ON `Account` (`email`);
CREATE INDEX `ix_Account_name` ON `Account` (`name`);
CREATE INDEX `ix_Account_city_created` ON `Account` (`city`, `created`);
CREATE INDEX `newest` ON `Account` (`created`);
