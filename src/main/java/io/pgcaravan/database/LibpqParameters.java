package io.pgcaravan.database;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.newsclub.net.unix.AFUNIXSocket;

/**
 * A connection's parameters: those given, then those of the service, the environment and libpq's defaults.
 *
 * @see <a href="https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS">Parameter Key Words</a>
 */
final class LibpqParameters {

    private static final String DEFAULT_PORT = "5432";

    private final Map<Keyword, String> values;
    private final LibpqEnvironment environment;
    private final List<Host> hosts = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    /**
     * @param given what the connection string says
     * @throws IllegalArgumentException naming everything that is invalid or not supported
     */
    LibpqParameters(Map<Keyword, String> given, LibpqEnvironment environment) {
        this.environment = environment;
        this.values = complete(given, environment);
        readHosts();
        check();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
    }

    private static Map<Keyword, String> complete(Map<Keyword, String> given, LibpqEnvironment environment) {
        Map<String, String> variables = environment.variables();
        Map<Keyword, String> values = new EnumMap<>(Keyword.class);
        values.putAll(given);
        String service = given.getOrDefault(Keyword.SERVICE, variables.get("PGSERVICE"));
        if (service != null) {
            String file = given.getOrDefault(Keyword.SERVICEFILE, variables.get("PGSERVICEFILE"));
            ServiceFile.read(service, file, environment).forEach(values::putIfAbsent);
        }
        for (Keyword keyword : Keyword.values()) {
            String value = keyword.variable() == null ? null : variables.get(keyword.variable());
            if (value != null) {
                values.putIfAbsent(keyword, value);
            }
        }
        if (variables.getOrDefault("PGREQUIRESSL", "").startsWith("1")) {
            values.putIfAbsent(Keyword.SSLMODE, "require");
        }
        // an empty value keeps service and environment out, and means the default
        values.values().removeIf(String::isEmpty);
        values.putIfAbsent(Keyword.USER, environment.user());
        values.putIfAbsent(Keyword.DBNAME, values.get(Keyword.USER));
        if ("system".equals(values.get(Keyword.SSLROOTCERT))) {
            values.putIfAbsent(Keyword.SSLMODE, "verify-full");
        }
        values.putIfAbsent(Keyword.SSLMODE, "prefer");
        return values;
    }

    private void readHosts() {
        String[] names = values.getOrDefault(Keyword.HOST, "").split(",", -1);
        String[] ports = values.getOrDefault(Keyword.PORT, "").split(",", -1);
        if (ports.length > 1 && ports.length != names.length) {
            problems.add("has " + names.length + " hosts and " + ports.length
                    + " ports; expected one port for all, or one for each host");
            return;
        }
        for (int i = 0; i < names.length; i++) {
            String port = ports[ports.length == 1 ? 0 : i].strip();
            if (!port.matches("([1-9]\\d{0,4})?") || port.length() == 5 && port.compareTo("65535") > 0) {
                // not shown: of a URI with a slash in its password, this is the password's beginning
                problems.add("has an invalid port; expected 1 to 65535");
            } else if (names[i].startsWith("@")) {
                problems.add(
                        "has host=" + names[i] + ", an abstract Unix socket, which is not supported: name the directory"
                                + " of another socket of the server");
            } else {
                hosts.add(new Host(
                        names[i].isEmpty() ? null : names[i], Integer.parseInt(port.isEmpty() ? DEFAULT_PORT : port)));
            }
        }
    }

    private void check() {
        values.forEach((keyword, value) -> {
            if (keyword.problem(value) != null) {
                problems.add(keyword.problem(value));
            }
        });
        if (!values.getOrDefault(Keyword.CONNECT_TIMEOUT, "0").strip().matches("[-+]?\\d{1,9}")) {
            problems.add(
                    "has an invalid connect_timeout \"" + values.get(Keyword.CONNECT_TIMEOUT) + "\"; expected seconds");
        }
        if (values.getOrDefault(Keyword.SSLKEY, "").matches("\\w+:.+")) {
            problems.add("has sslkey with a key in an OpenSSL engine, which is not supported: name a file");
        }
        if ("system".equals(values.get(Keyword.SSLROOTCERT))
                && (!"verify-full".equals(values.get(Keyword.SSLMODE)) || values.containsKey(Keyword.SSLCERT))) {
            problems.add("has sslrootcert=system; expected sslmode=verify-full and no sslcert with it");
        }
        String encoding = values.getOrDefault(Keyword.CLIENT_ENCODING, "auto");
        if (!encoding.matches("(?i)utf-?8|unicode|auto")) {
            environment
                    .warnings()
                    .accept("client_encoding=" + encoding
                            + " is ignored: the driver always uses UTF-8, which changes no text");
        }
    }

    /** A parameter's value, null where there is none. */
    String get(Keyword keyword) {
        return values.get(keyword);
    }

    List<Host> hosts() {
        return hosts;
    }

    /**
     * The driver's properties for one host.
     *
     * @throws SQLException where the driver cannot read the client's key, or cannot use Unix sockets
     */
    Properties properties(Host host) throws SQLException {
        Properties properties = new Properties();
        values.forEach((keyword, value) -> {
            if (keyword.property() != null) {
                properties.setProperty(keyword.property(), value);
            }
        });
        properties.setProperty("PGPORT", Integer.toString(host.port()));
        if (values.containsKey(Keyword.CONNECT_TIMEOUT)) {
            int seconds = Integer.parseInt(values.get(Keyword.CONNECT_TIMEOUT).strip());
            // as in libpq: no limit at zero and below, else two seconds at least
            String timeout = Integer.toString(seconds <= 0 ? 0 : Math.max(2, seconds));
            properties.setProperty("connectTimeout", timeout);
            properties.setProperty("loginTimeout", timeout);
        }
        if (host.isSocket()) {
            if (!AFUNIXSocket.isSupported()) {
                throw new SQLException(
                        "Unix sockets cannot be used; connect by TCP (host=localhost), or name a directory from which"
                                + " libraries may be loaded: CARAVAN_JAVA_OPTS=-Dorg.newsclub.net.unix.library.tmpdir=DIR",
                        "08001");
            }
            // the name that junixsocket's factory takes, and libpq's in the password file
            properties.setProperty("PGHOST", "localhost");
            properties.setProperty("socketFactory", "org.newsclub.net.unix.AFUNIXSocketFactory$FactoryArg");
            properties.setProperty(
                    "socketFactoryArg",
                    host.socket(environment.socketDirectories()).toString());
            // encryption is for the network, and libpq ignores these here too
            properties.setProperty("sslmode", "disable");
            properties.setProperty("sslNegotiation", "postgres");
            properties.setProperty("gssEncMode", "disable");
        } else {
            properties.setProperty("PGHOST", host.name());
            properties.setProperty("tcpKeepAlive", Boolean.toString(!"0".equals(values.get(Keyword.KEEPALIVES))));
            encrypt(properties);
        }
        return properties;
    }

    private void encrypt(Properties properties) throws SQLException {
        String mode = values.get(Keyword.SSLMODE);
        Path root = file(Keyword.SSLROOTCERT, "root.crt");
        Path certificate = file(Keyword.SSLCERT, "postgresql.crt");
        Path key = file(Keyword.SSLKEY, "postgresql.key");
        // as in libpq: who has a root certificate wants it checked
        properties.setProperty("sslmode", mode.equals("require") && Files.exists(root) ? "verify-ca" : mode);
        if (mode.equals("disable")) {
            return;
        }
        if ("system".equals(values.get(Keyword.SSLROOTCERT))) {
            properties.setProperty("sslfactory", "org.postgresql.ssl.DefaultJavaSSLFactory");
            return;
        }
        properties.setProperty("sslrootcert", root.toString());
        if (values.containsKey(Keyword.SSLCERT)
                || values.containsKey(Keyword.SSLKEY)
                || Files.exists(certificate) && Files.exists(key)) {
            properties.setProperty("sslcert", certificate.toString());
            properties.setProperty("sslkey", key.toString());
            properties.setProperty("pemKeyAlgorithm", ClientKey.algorithm(key));
        }
    }

    private Path file(Keyword keyword, String byDefault) {
        return values.containsKey(keyword)
                ? Path.of(values.get(keyword))
                : environment.home().resolve(".postgresql").resolve(byDefault);
    }
}
