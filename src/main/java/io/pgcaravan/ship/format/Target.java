package io.pgcaravan.ship.format;

/**
 * Whom sets are for. Both are names that the two sides agree on; nothing connects to them.
 *
 * @param host not empty, without a slash
 * @param database not empty
 */
public record Target(String host, String database) {

    public Target {
        if (host.isBlank() || database.isBlank()) {
            throw new IllegalArgumentException("a target needs a host and a database");
        }
    }

    /**
     * Reads {@code HOST/DB}.
     *
     * @throws IllegalArgumentException where it is something else
     */
    public static Target parse(String text) {
        int slash = text.indexOf('/');
        if (slash <= 0 || slash == text.length() - 1) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" names no target: give HOST/DB, such as branch.example/shop");
        }
        return new Target(text.substring(0, slash), text.substring(slash + 1));
    }

    @Override
    public String toString() {
        return host + "/" + database;
    }
}
