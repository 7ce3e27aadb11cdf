package io.pgcaravan.database;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Pattern;
import org.postgresql.Driver;

/**
 * A JDBC URL, as the driver understands it.
 *
 * @param url without user and passwords
 * @param login user and passwords, as far as they are given; the driver finds the others
 */
record JdbcAddress(String url, Map<String, String> login) implements Address {

    private static final Pattern LOGIN = Pattern.compile("(?i)(?<=[?&])(user|password|sslpassword)=([^&]*)&?");

    static JdbcAddress of(String url) {
        if (Driver.parseURL(url, null) == null) {
            throw new IllegalArgumentException("is not a JDBC URL that the driver understands");
        }
        Map<String, String> login = new HashMap<>();
        String rest = LOGIN.matcher(url).replaceAll(option -> {
            login.put(
                    option.group(1).toLowerCase(Locale.ROOT),
                    URLDecoder.decode(option.group(2), StandardCharsets.UTF_8));
            return "";
        });
        return new JdbcAddress(rest.replaceFirst("[?&]+$", ""), login);
    }

    @Override
    public JdbcAddress as(String user, String password) {
        Map<String, String> other = new HashMap<>(login);
        if (user != null) {
            other.put("user", user);
        }
        if (password != null) {
            other.put("password", password);
        }
        return new JdbcAddress(url, other);
    }

    @Override
    public Connection connect(Properties defaults) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(defaults);
        properties.putAll(login);
        return new Driver().connect(url, properties);
    }

    @Override
    public String toString() {
        return url + (login.containsKey("user") ? " as " + login.get("user") : "");
    }
}
