package io.pgcaravan.database;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The file in which connections have names. The driver's own reader refuses a service with a parameter that the driver spells
 * otherwise ({@code application_name}, {@code connect_timeout}, {@code target_session_attrs}).
 *
 * @see <a href="https://www.postgresql.org/docs/current/libpq-pgservice.html">The Connection Service File</a>
 */
final class ServiceFile {

    private ServiceFile() {}

    /**
     * A service's parameters, from the user's file, or where that has no such service, from the machine's.
     *
     * @param given the user's file where servicefile or PGSERVICEFILE names it, else null
     * @throws IllegalArgumentException where no file has the service, or its definition is invalid
     */
    static Map<Keyword, String> read(String service, String given, LibpqEnvironment environment) {
        List<Path> files = new ArrayList<>();
        files.add(given == null ? environment.home().resolve(".pg_service.conf") : Path.of(given));
        String system = environment.variables().get("PGSYSCONFDIR");
        (system == null ? environment.systemDirectories() : List.of(Path.of(system)))
                .forEach(directory -> files.add(directory.resolve("pg_service.conf")));
        for (Path file : files) {
            Map<Keyword, String> found = Files.exists(file) ? read(service, file) : null;
            if (found != null) {
                return found;
            }
        }
        throw new IllegalArgumentException("names the unknown service \"" + service + "\"; looked in "
                + String.join(", ", files.stream().map(Path::toString).toList()));
    }

    private static Map<Keyword, String> read(String service, Path file) {
        Map<Keyword, String> values = null;
        String at = file.toString();
        try {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                at = file + " line " + (i + 1);
                String line = lines.get(i).strip();
                if (line.startsWith("[") && values != null) {
                    break;
                }
                if (line.startsWith("[" + service + "]")) {
                    values = new EnumMap<>(Keyword.class);
                } else if (values != null && !line.isEmpty() && !line.startsWith("#")) {
                    put(line.split("=", 2), values);
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new IllegalArgumentException("has an invalid service \"" + service + "\": " + at + " "
                    + (e instanceof IOException ? "cannot be read: " : "") + e.getMessage());
        }
        return values;
    }

    private static void put(String[] parts, Map<Keyword, String> values) {
        Keyword keyword = Keyword.of(parts[0]);
        if (parts.length < 2 || keyword == Keyword.SERVICE || keyword == Keyword.SERVICEFILE) {
            throw new IllegalArgumentException("has no keyword=value, or names another service");
        }
        // the first counts, unlike in a conninfo string
        values.putIfAbsent(keyword, parts[1]);
    }
}
