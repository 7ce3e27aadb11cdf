package io.pgcaravan.cli;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgcaravan.camel.BatchDataSource;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.postgresql.Driver;

/**
 * A database as people give it: a JDBC URL, a {@code postgresql://} URI, or a conninfo string ({@code host=db1
 * dbname=orders}).
 *
 * @param jdbcUrl without user and password
 * @param user null for the driver's default
 * @param password null where {@code ~/.pgpass} or the server's trust has to do
 */
public record Database(String jdbcUrl, String user, String password) {

    /** @throws IllegalArgumentException where the text is none of the three; the message never shows a password */
    public static Database parse(String text) {
        String given = text.strip();
        if (given.startsWith("jdbc:postgresql:")) {
            return jdbc(given);
        }
        if (given.startsWith("postgresql://") || given.startsWith("postgres://")) {
            return uri(given);
        }
        if (given.contains("=")) {
            return conninfo(given);
        }
        throw new IllegalArgumentException("is no database: give a JDBC URL (jdbc:postgresql://host:5432/db), a URI"
                + " (postgresql://user@host:5432/db) or a conninfo string (host=... dbname=...)");
    }

    private static Database jdbc(String url) {
        Properties parsed = Driver.parseURL(url, null);
        if (parsed == null) {
            throw new IllegalArgumentException("is no JDBC URL that the driver understands");
        }
        int query = url.indexOf('?');
        if (query < 0) {
            return new Database(url, null, null);
        }
        StringBuilder kept = new StringBuilder(url.substring(0, query));
        char glue = '?';
        for (String option : url.substring(query + 1).split("&")) {
            if (!option.startsWith("user=") && !option.startsWith("password=") && !option.isEmpty()) {
                kept.append(glue).append(option);
                glue = '&';
            }
        }
        return new Database(kept.toString(), parsed.getProperty("user"), parsed.getProperty("password"));
    }

    private static Database uri(String text) {
        try {
            URI uri = new URI(text);
            String[] who = uri.getRawUserInfo() == null
                    ? new String[0]
                    : uri.getRawUserInfo().split(":", 2);
            return jdbc("jdbc:postgresql://" + (uri.getHost() == null ? "localhost" : uri.getHost()) + ":"
                            + (uri.getPort() < 0 ? 5432 : uri.getPort())
                            + (uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath())
                            + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery()))
                    .as(who.length > 0 ? decode(who[0]) : null, who.length > 1 ? decode(who[1]) : null);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("is no valid URI: " + e.getReason() + " at position " + e.getIndex());
        }
    }

    private static Database conninfo(String text) {
        Map<String, String> values = new LinkedHashMap<>();
        int at = 0;
        while (at < text.length()) {
            if (Character.isWhitespace(text.charAt(at))) {
                at++;
                continue;
            }
            int equals = text.indexOf('=', at);
            if (equals < 0) {
                throw new IllegalArgumentException("is no conninfo string: a word without = at position " + (at + 1));
            }
            String key = text.substring(at, equals).strip();
            at = equals + 1;
            while (at < text.length() && text.charAt(at) == ' ') {
                at++;
            }
            StringBuilder value = new StringBuilder();
            boolean quoted = at < text.length() && text.charAt(at) == '\'';
            if (quoted) {
                at++;
            }
            while (at < text.length()
                    && (quoted ? text.charAt(at) != '\'' : !Character.isWhitespace(text.charAt(at)))) {
                if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                    at++;
                }
                value.append(text.charAt(at++));
            }
            if (quoted) {
                at++;
            }
            values.put(key, value.toString());
        }
        String host = values.getOrDefault("host", "localhost");
        String user = values.get("user");
        String database = values.getOrDefault("dbname", user == null ? System.getProperty("user.name") : user);
        StringBuilder url = new StringBuilder("jdbc:postgresql://")
                .append(host)
                .append(':')
                .append(values.getOrDefault("port", "5432"))
                .append('/')
                .append(URLEncoder.encode(database, StandardCharsets.UTF_8));
        char glue = '?';
        for (Map.Entry<String, String> option : values.entrySet()) {
            String name =
                    switch (option.getKey()) {
                        case "host", "port", "dbname", "user", "password" -> null;
                        case "sslmode", "sslrootcert", "sslcert", "sslkey", "options" -> option.getKey();
                        case "connect_timeout" -> "connectTimeout";
                        case "application_name" -> "ApplicationName";
                        default ->
                            throw new IllegalArgumentException("has a conninfo key \"" + option.getKey()
                                    + "\" that is not supported; known are host, port, dbname, user, password, sslmode,"
                                    + " sslrootcert, sslcert, sslkey, options, connect_timeout, application_name");
                    };
            if (name != null) {
                url.append(glue)
                        .append(name)
                        .append('=')
                        .append(URLEncoder.encode(option.getValue(), StandardCharsets.UTF_8));
                glue = '&';
            }
        }
        return new Database(url.toString(), user, values.get("password"));
    }

    private static String decode(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    /** The same with another user or password where given (not null). */
    public Database as(String otherUser, String otherPassword) {
        return new Database(
                jdbcUrl, otherUser == null ? user : otherUser, otherPassword == null ? password : otherPassword);
    }

    /** One connection, outside any pool. */
    public Connection connect() throws SQLException {
        Properties properties = new Properties();
        if (user != null) {
            properties.setProperty("user", user);
        }
        if (password != null) {
            properties.setProperty("password", password);
        }
        properties.setProperty("ApplicationName", "pgcaravan");
        return DriverManager.getConnection(jdbcUrl, properties);
    }

    /** A pool whose connections join the batch that asks for them. Nothing is connected yet. */
    public BatchDataSource pool(String name, int size) {
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setJdbcUrl(jdbcUrl);
        config.setUsername(user);
        config.setPassword(password);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        // A database that is down is the route's to report and to wait for.
        config.setInitializationFailTimeout(-1);
        config.setConnectionTimeout(5_000);
        config.addDataSourceProperty("ApplicationName", "pgcaravan");
        config.addDataSourceProperty("tcpKeepAlive", "true");
        // Texts out of url-encoded rows take the type of the column they go to.
        config.addDataSourceProperty("stringtype", "unspecified");
        config.addDataSourceProperty("reWriteBatchedInserts", "true");
        return new BatchDataSource(new HikariDataSource(config), name + ", " + jdbcUrl);
    }

    /** Without the password. */
    @Override
    public String toString() {
        return jdbcUrl + (user == null ? "" : " as " + user);
    }
}
