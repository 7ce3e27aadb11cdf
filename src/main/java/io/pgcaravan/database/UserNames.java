package io.pgcaravan.database;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The operating system's users. */
final class UserNames {

    private UserNames() {}

    /** A user's name; null where /etc/passwd has none (directory services are not asked). */
    static String of(long uid) throws IOException {
        for (String line : Files.readAllLines(Path.of("/etc/passwd"), StandardCharsets.ISO_8859_1)) {
            String[] fields = line.split(":", 4);
            if (fields.length == 4 && fields[2].equals(Long.toString(uid))) {
                return fields[0];
            }
        }
        return null;
    }
}
