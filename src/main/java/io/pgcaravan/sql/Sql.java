package io.pgcaravan.sql;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The statements under {@code sql/} on the class path, each a file that pastes into psql. */
public final class Sql {

    private Sql() {}

    /**
     * The text of one statement file.
     *
     * @param name below {@code sql/}, without the ending: {@code target/caravan}
     * @throws IllegalStateException where the jar lacks the file
     */
    public static String file(String name) {
        String path = "/sql/" + name + ".sql";
        try (InputStream in = Sql.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException("no file " + path + " on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A text quoted for SQL. */
    public static String literal(String text) {
        String doubled = text.replace("'", "''");
        return text.indexOf('\\') < 0 ? "'" + doubled + "'" : "e'" + doubled.replace("\\", "\\\\") + "'";
    }
}
