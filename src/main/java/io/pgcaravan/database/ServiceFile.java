package io.pgcaravan.database;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The file in which connections have names.
 *
 * @see <a href="https://www.postgresql.org/docs/current/libpq-pgservice.html">The Connection Service File</a>
 */
final class ServiceFile {

    private ServiceFile() {}

    /**
     * What a service stands for: of the user's file, or where that has none of this name, of the machine's.
     *
     * @param given the user's file where the connection or PGSERVICEFILE names it, else null
     * @throws IllegalArgumentException where no file has the service, or the one that has it cannot be understood
     */
    static Map<Keyword, String> read(String service, String given, Surroundings surroundings) {
        List<Path> files = new ArrayList<>();
        files.add(given == null ? surroundings.inHome(".pg_service.conf") : Path.of(given));
        String system = surroundings.variable("PGSYSCONFDIR");
        (system == null ? surroundings.systemDirectories() : List.of(Path.of(system)))
                .forEach(directory -> files.add(directory.resolve("pg_service.conf")));
        for (Path file : files) {
            if (Files.exists(file)) {
                Map<Keyword, String> found = read(service, file);
                if (found != null) {
                    return found;
                }
            }
        }
        throw new IllegalArgumentException("names the service \"" + service + "\", which is in none of "
                + files.stream().map(Path::toString).collect(Collectors.joining(", ")));
    }

    private static Map<Keyword, String> read(String service, Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "names the service \"" + service + "\", and " + file + " cannot be read: " + e.getMessage());
        }
        Map<Keyword, String> values = null;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            if (line.startsWith("[")) {
                if (values != null) {
                    break;
                }
                if (line.startsWith("[" + service + "]")) {
                    values = new EnumMap<>(Keyword.class);
                }
            } else if (values != null) {
                read(line, file + " line " + (i + 1), values);
            }
        }
        return values;
    }

    private static void read(String line, String where, Map<Keyword, String> values) {
        if (line.startsWith("ldap")) {
            throw new IllegalArgumentException(
                    "names a service that asks an LDAP server (" + where + "), which is not supported");
        }
        int equals = line.indexOf('=');
        Keyword key = equals < 0 ? null : Keyword.of(line.substring(0, equals));
        if (key == null) {
            throw new IllegalArgumentException("names a service whose definition cannot be read: " + where
                    + (equals < 0
                            ? " has no ="
                            : " has a key \"" + line.substring(0, equals) + "\" that libpq does not know"
                                    + Spelling.nearest(line.substring(0, equals), Keyword.names())));
        }
        if (key == Keyword.SERVICE || key == Keyword.SERVICEFILE) {
            throw new IllegalArgumentException(
                    "names a service that names another one, which libpq does not follow either: " + where);
        }
        // the first one counts, unlike in a conninfo string
        values.putIfAbsent(key, line.substring(equals + 1));
    }
}
