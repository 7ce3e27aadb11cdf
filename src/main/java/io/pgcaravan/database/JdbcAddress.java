package io.pgcaravan.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import org.postgresql.Driver;

/**
 * A JDBC URL, as the driver understands it.
 *
 * @param url without user and passwords
 * @param user null for the driver's default
 * @param password null where {@code ~/.pgpass} or the server's trust has to do
 * @param sslPassword of the client's key, null without
 */
record JdbcAddress(String url, String user, String password, String sslPassword) implements Address {

    private static final Set<String> KEPT_OUT = Set.of("user", "password", "sslpassword");

    static JdbcAddress of(String url) {
        Properties parsed = Driver.parseURL(url, null);
        if (parsed == null) {
            throw new IllegalArgumentException("is no JDBC URL that the driver understands");
        }
        int query = url.indexOf('?');
        StringBuilder kept = new StringBuilder(query < 0 ? url : url.substring(0, query));
        Properties secrets = new Properties();
        char glue = '?';
        for (String option :
                query < 0 ? new String[0] : url.substring(query + 1).split("&")) {
            String name = option.replaceFirst("=.*", "").toLowerCase(Locale.ROOT);
            if (KEPT_OUT.contains(name)) {
                secrets.setProperty(name, "");
            } else if (!option.isEmpty()) {
                kept.append(glue).append(option);
                glue = '&';
            }
        }
        return new JdbcAddress(
                kept.toString(),
                secrets.containsKey("user") ? parsed.getProperty("user") : null,
                secrets.containsKey("password") ? parsed.getProperty("password") : null,
                parsed.getProperty("sslpassword"));
    }

    @Override
    public JdbcAddress as(String otherUser, String otherPassword) {
        return new JdbcAddress(
                url,
                otherUser == null ? user : otherUser,
                otherPassword == null ? password : otherPassword,
                sslPassword);
    }

    @Override
    public Connection connect(Properties more) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(more);
        put(properties, "user", user);
        put(properties, "password", password);
        put(properties, "sslpassword", sslPassword);
        return new Driver().connect(url, properties);
    }

    private static void put(Properties properties, String name, String value) {
        if (value != null) {
            properties.setProperty(name, value);
        }
    }

    @Override
    public String toString() {
        return url + (user == null ? "" : " as " + user);
    }
}
