package io.pgcaravan.database;

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
 * A database as libpq finds it. The driver connects to one host at a time: its own list of hosts has one time limit, one
 * password and one kind of socket for all.
 */
final class LibpqAddress implements Address {

    private static final String CANNOT_CONNECT_NOW = "57P03";
    private static final String NO_CONNECTION = "08001";
    private static final String REJECTED = "08004";

    private final Map<Keyword, String> given;
    private final LibpqEnvironment environment;
    private final LibpqParameters parameters;

    LibpqAddress(Map<Keyword, String> given, LibpqEnvironment environment) {
        this.given = given;
        this.environment = environment;
        this.parameters = new LibpqParameters(given, environment);
        if (isPassfileIgnored()) {
            environment
                    .warnings()
                    .accept("the password file " + environment.passfile()
                            + " is ignored: others can read it; its mode must be 0600 or less");
        }
    }

    private boolean isPassfileIgnored() {
        return parameters.get(Keyword.PASSWORD) == null && environment.isPassfileOpenToOthers();
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
        return new LibpqAddress(changed, environment.silent());
    }

    @Override
    public Connection connect(Properties defaults) throws SQLException {
        List<Host> hosts = new ArrayList<>(parameters.hosts());
        if ("random".equals(parameters.get(Keyword.LOAD_BALANCE_HOSTS))) {
            Collections.shuffle(hosts);
        }
        List<SQLException> failures = new ArrayList<>();
        for (String wanted : targetServerTypes()) {
            failures.clear();
            for (Host host : hosts) {
                try {
                    return connect(host, wanted, defaults);
                } catch (SQLException e) {
                    failures.add(explained(host, e));
                    if (isAnswer(e)) {
                        throw failures.get(failures.size() - 1);
                    }
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

    /** The driver's words for target_session_attrs, in the order in which servers are looked for. */
    private List<String> targetServerTypes() {
        String wanted = parameters.get(Keyword.TARGET_SESSION_ATTRS);
        return switch (wanted == null ? "any" : wanted) {
            // a server that takes no writes is a secondary to the driver, whether it is a standby or not
            case "read-write", "primary" -> List.of("primary");
            case "read-only", "standby" -> List.of("secondary");
            case "prefer-standby" -> List.of("secondary", "any");
            default -> List.of("any");
        };
    }

    private Connection connect(Host host, String targetServerType, Properties defaults) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(defaults);
        properties.putAll(parameters.properties(host));
        properties.setProperty("targetServerType", targetServerType);
        if (isPassfileIgnored()) {
            // keeps the driver from looking into the file
            properties.setProperty("password", "");
        }
        try {
            return new Driver().connect("jdbc:postgresql://", properties);
        } catch (StringIndexOutOfBoundsException e) {
            throw new SQLException(
                    "the password file " + environment.passfile()
                            + " has an invalid line; expected host:port:database:user:password",
                    NO_CONNECTION);
        }
    }

    /** Whether a server has refused the session, so that the other hosts are not tried. */
    private static boolean isAnswer(SQLException failure) {
        return failure instanceof PSQLException answer
                && answer.getServerErrorMessage() != null
                && !CANNOT_CONNECT_NOW.equals(failure.getSQLState());
    }

    /** The failure with what was connected to, which the driver does not know of a socket. */
    private SQLException explained(Host host, SQLException failure) {
        String message = failure.getMessage();
        if (NO_CONNECTION.equals(failure.getSQLState()) && failure.getCause() != null) {
            message = failure.getCause().getMessage();
        } else if (message.contains("targetServerType")) {
            message = "the server does not suit target_session_attrs=" + parameters.get(Keyword.TARGET_SESSION_ATTRS);
        } else if (REJECTED.equals(failure.getSQLState()) && message.contains("password")) {
            message += " Give it in the connection, in PGPASSWORD or in " + environment.passfile()
                    + " (mode 0600), as the line "
                    + (host.isSocket() ? "localhost" : host.name()) + ":" + host.port() + ":"
                    + parameters.get(Keyword.DBNAME) + ":" + parameters.get(Keyword.USER) + ":PASSWORD";
        }
        // not as its cause: a search for the root cause would find the driver's message
        SQLException explained = new SQLException(describe(host) + ": " + message, failure.getSQLState());
        explained.addSuppressed(failure);
        return explained;
    }

    private String describe(Host host) {
        return host.isSocket()
                ? "socket " + host.socket(environment.socketDirectories())
                : "host " + host.name() + ":" + host.port();
    }

    @Override
    public String toString() {
        return "database \"" + parameters.get(Keyword.DBNAME) + "\" on "
                + parameters.hosts().stream().map(this::describe).collect(Collectors.joining(", ")) + " as "
                + parameters.get(Keyword.USER);
    }
}
