package io.pgcaravan.database;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.postgresql.Driver;
import org.postgresql.util.PSQLException;

/**
 * A database as libpq finds it. Its several hosts are tried here and not by the driver, because each may be a Unix socket, an
 * address beside its name, and have a password of its own.
 */
final class LibpqAddress implements Address {

    private static final String CANNOT_CONNECT_NOW = "57P03";
    private static final String NO_CONNECTION = "08001";
    private static final String REJECTED = "08004";
    private static final String WRONG_PASSWORD = "28P01";

    private final Map<Keyword, String> given;
    private final Surroundings surroundings;
    private final LibpqSettings settings;
    private final Passfile passfile;

    private LibpqAddress(Map<Keyword, String> given, Surroundings surroundings) {
        this.given = given;
        this.surroundings = surroundings;
        this.settings = LibpqSettings.of(given, surroundings);
        this.passfile = new Passfile(
                settings.has(Keyword.PASSFILE)
                        ? Path.of(settings.get(Keyword.PASSFILE))
                        : surroundings.inHome(".pgpass"),
                surroundings.warnings());
    }

    /** @param given what the connection string says */
    static LibpqAddress of(Map<Keyword, String> given, Surroundings surroundings) {
        return new LibpqAddress(given, surroundings);
    }

    @Override
    public LibpqAddress as(String user, String password) {
        if (user == null && password == null) {
            return this;
        }
        Map<Keyword, String> changed = new EnumMap<>(Keyword.class);
        changed.putAll(given);
        if (user != null) {
            changed.put(Keyword.USER, user);
        }
        if (password != null) {
            changed.put(Keyword.PASSWORD, password);
        }
        // what there was to warn of has been said already
        return new LibpqAddress(changed, surroundings.warning(warning -> {}));
    }

    LibpqSettings settings() {
        return settings;
    }

    @Override
    public Connection connect(Properties more) throws SQLException {
        List<Host> hosts = new ArrayList<>(settings.hosts());
        if (settings.shuffled()) {
            Collections.shuffle(hosts);
        }
        List<SQLException> failures = new ArrayList<>();
        for (TargetSession wanted : settings.targetSession().inOrder()) {
            failures.clear();
            for (Host host : hosts) {
                String password = password(host);
                try {
                    Connection connection = open(host, password, more);
                    String unfit = wanted.unfit(connection);
                    if (unfit == null) {
                        return connection;
                    }
                    connection.close();
                    failures.add(new SQLException(describe(host) + " " + unfit, NO_CONNECTION));
                } catch (SQLException e) {
                    SQLException explained = explained(host, password.isEmpty(), e);
                    if (isAnswer(e)) {
                        throw explained;
                    }
                    failures.add(explained);
                }
            }
        }
        if (failures.size() == 1) {
            throw failures.get(0);
        }
        SQLException all = new SQLException(
                failures.stream().map(Throwable::getMessage).collect(Collectors.joining("; ")),
                failures.get(0).getSQLState());
        failures.forEach(all::addSuppressed);
        throw all;
    }

    private Connection open(Host host, String password, Properties more) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(more);
        properties.putAll(settings.properties(host, surroundings));
        properties.setProperty("user", settings.user());
        // an empty one keeps the driver from looking into the password file itself, where it minds no permissions
        properties.setProperty("password", password);
        String name = host.isSocket() ? "localhost" : host.name() == null ? host.address() : host.name();
        return new Driver()
                .connect(
                        "jdbc:postgresql://" + (name.contains(":") ? "[" + name + "]" : name) + ":" + host.port() + "/"
                                + URLEncoder.encode(settings.database(), StandardCharsets.UTF_8),
                        properties);
    }

    /** Empty where there is none. */
    private String password(Host host) {
        if (settings.has(Keyword.PASSWORD)) {
            return settings.get(Keyword.PASSWORD);
        }
        String found = passfile.password(
                host.inPassfile(surroundings.socketDirectories()), host.port(), settings.database(), settings.user());
        return found == null ? "" : found;
    }

    /** Whether a server has said no, so that the other hosts are not asked. */
    private static boolean isAnswer(SQLException failure) {
        return failure instanceof PSQLException answer
                && answer.getServerErrorMessage() != null
                && !CANNOT_CONNECT_NOW.equals(failure.getSQLState());
    }

    /** The failure with the name of what was really connected to, which the driver does not know. */
    private SQLException explained(Host host, boolean withoutPassword, SQLException failure) {
        String message = failure.getMessage();
        String state = failure.getSQLState();
        if (withoutPassword && (REJECTED.equals(state) || WRONG_PASSWORD.equals(state))) {
            message = "the server wants a password for user \"" + settings.user()
                    + "\", and there is none: give it in the connection, in PGPASSWORD or in " + passfile
                    + " (as the line " + host.inPassfile(surroundings.socketDirectories()) + ":" + host.port() + ":"
                    + settings.database() + ":" + settings.user() + ":PASSWORD)";
        } else if (NO_CONNECTION.equals(state) && failure.getCause() != null) {
            message = failure.getCause().getMessage();
            if (host.isSocket() && host.name() == null && !Files.exists(Path.of(socket(host)))) {
                message += " (there is none in "
                        + surroundings.socketDirectories().stream()
                                .map(Path::toString)
                                .collect(Collectors.joining(" and "))
                        + "; host=... and port=... name another directory or port, or a host to connect to by TCP)";
            }
        }
        // not as its cause: who looks for the innermost reason would be back at what the driver says
        SQLException explained = new SQLException(describe(host) + ": " + message, state);
        explained.addSuppressed(failure);
        return explained;
    }

    private String socket(Host host) {
        return host.socket(surroundings.socketDirectories());
    }

    private String describe(Host host) {
        return host.isSocket() ? "socket " + socket(host) : "host " + host;
    }

    @Override
    public String toString() {
        return "database \"" + settings.database() + "\" on "
                + settings.hosts().stream().map(this::describe).collect(Collectors.joining(", ")) + " as "
                + settings.user();
    }
}
