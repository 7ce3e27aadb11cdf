package io.pgcaravan.database;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A connection's parameters with all that stands in for those that were not given: a service, the environment, libpq's own
 * defaults, in this order. What the driver cannot do is refused, or warned of where it changes nothing about the data and who
 * may see it.
 *
 * @see <a href="https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS">Parameter Key Words</a>
 */
final class LibpqSettings {

    private static final int DEFAULT_PORT = 5432;
    private static final Set<String> SSL_MODES =
            Set.of("disable", "allow", "prefer", "require", "verify-ca", "verify-full");

    private final Map<Keyword, String> values;
    private final List<Host> hosts;
    private final TargetSession targetSession;
    private final List<String> problems = new ArrayList<>();

    private LibpqSettings(Map<Keyword, String> values) {
        this.values = values;
        this.hosts = readHosts();
        this.targetSession = has(Keyword.TARGET_SESSION_ATTRS) ? readTargetSession() : TargetSession.ANY;
    }

    /**
     * @param given what the connection string says
     * @throws IllegalArgumentException naming everything that cannot be honoured
     */
    static LibpqSettings of(Map<Keyword, String> given, Surroundings surroundings) {
        LibpqSettings settings = new LibpqSettings(complete(given, surroundings));
        settings.check(surroundings.warnings());
        if (!settings.problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", settings.problems));
        }
        return settings;
    }

    private static Map<Keyword, String> complete(Map<Keyword, String> given, Surroundings surroundings) {
        Map<Keyword, String> values = new EnumMap<>(Keyword.class);
        values.putAll(given);
        String service = given.getOrDefault(Keyword.SERVICE, surroundings.variable(Keyword.SERVICE.variable()));
        if (service != null) {
            String file =
                    given.getOrDefault(Keyword.SERVICEFILE, surroundings.variable(Keyword.SERVICEFILE.variable()));
            ServiceFile.read(service, file, surroundings).forEach(values::putIfAbsent);
        }
        for (Keyword keyword : Keyword.values()) {
            String value = keyword.variable() == null ? null : surroundings.variable(keyword.variable());
            if (value != null) {
                values.putIfAbsent(keyword, value);
            }
        }
        if (!values.containsKey(Keyword.SSLMODE)
                && String.valueOf(surroundings.variable("PGREQUIRESSL")).startsWith("1")) {
            values.put(Keyword.SSLMODE, "require");
        }
        if (blank(values.get(Keyword.USER))) {
            values.put(Keyword.USER, surroundings.user());
        }
        if (blank(values.get(Keyword.DBNAME))) {
            values.put(Keyword.DBNAME, values.get(Keyword.USER));
        }
        return values;
    }

    private static boolean blank(String value) {
        return value == null || value.isEmpty();
    }

    // ---- hosts

    private List<Host> readHosts() {
        List<String> names = list(Keyword.HOST);
        List<String> addresses = list(Keyword.HOSTADDR);
        List<String> ports = list(Keyword.PORT);
        int count = Math.max(1, Math.max(names.size(), addresses.size()));
        if (!names.isEmpty() && !addresses.isEmpty() && names.size() != addresses.size()) {
            problems.add("names " + names.size() + " hosts and " + addresses.size() + " addresses (hostaddr): give each"
                    + " host its address, or leave one of them out");
            return List.of();
        }
        if (ports.size() > 1 && ports.size() != count) {
            problems.add("names " + count + (count == 1 ? " host and " : " hosts and ") + ports.size()
                    + " ports: give one for all, or one for each");
            return List.of();
        }
        List<Host> read = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String name = names.isEmpty() || names.get(i).isEmpty() ? null : names.get(i);
            String address = addresses.isEmpty() || addresses.get(i).isEmpty() ? null : addresses.get(i);
            if (address != null && !isNumeric(address)) {
                problems.add("has hostaddr=" + address + ", which is no IP address");
            }
            String port = ports.isEmpty() ? "" : ports.get(ports.size() == 1 ? 0 : i);
            read.add(new Host(name, address, port.isEmpty() ? DEFAULT_PORT : port(port)));
        }
        return read;
    }

    /** Only literals: a name would be looked up. */
    private static boolean isNumeric(String address) {
        return address.contains(":")
                ? address.matches("[0-9A-Fa-f:.]+(%\\w+)?")
                : address.matches("\\d{1,3}(\\.\\d{1,3}){3}");
    }

    private List<String> list(Keyword keyword) {
        return has(keyword) ? List.of(get(keyword).split(",", -1)) : List.of();
    }

    private int port(String text) {
        int port = -1;
        try {
            port = Integer.parseInt(text.strip());
        } catch (NumberFormatException e) {
            // said below
        }
        if (port < 1 || port > 65535) {
            problems.add("has port=" + text + ", which is no port (1 to 65535)");
        }
        return port;
    }

    // ---- what the driver cannot do

    private TargetSession readTargetSession() {
        try {
            return TargetSession.parse(get(Keyword.TARGET_SESSION_ATTRS));
        } catch (IllegalArgumentException e) {
            problems.add(e.getMessage());
            return TargetSession.ANY;
        }
    }

    private void check(Consumer<String> warnings) {
        oneOf(Keyword.SSLMODE, SSL_MODES);
        oneOf(Keyword.CHANNEL_BINDING, Set.of("disable", "prefer", "require"));
        oneOf(Keyword.SSLNEGOTIATION, Set.of("postgres", "direct"));
        oneOf(Keyword.GSSENCMODE, Set.of("disable", "prefer", "require"));
        oneOf(Keyword.LOAD_BALANCE_HOSTS, Set.of("disable", "random"));
        number(Keyword.CONNECT_TIMEOUT);
        number(Keyword.KEEPALIVES);
        number(Keyword.KEEPALIVES_IDLE);
        number(Keyword.KEEPALIVES_INTERVAL);
        number(Keyword.KEEPALIVES_COUNT);
        refuseUnless(Keyword.SSLCERTMODE, Set.of("allow"), "the driver sends a certificate where it has one");
        refuseUnless(Keyword.SSLCRL, Set.of(), "the driver does not look at revocation lists");
        refuseUnless(Keyword.SSLCRLDIR, Set.of(), "the driver does not look at revocation lists");
        refuseUnless(Keyword.SSLSNI, Set.of("1"), "Java always sends the host's name");
        refuseUnless(
                Keyword.SSL_MIN_PROTOCOL_VERSION,
                Set.of("TLSv1", "TLSv1.1", "TLSv1.2"),
                "Java's own settings say (jdk.tls.client.protocols, from TLSv1.2 on)");
        refuseUnless(
                Keyword.SSL_MAX_PROTOCOL_VERSION,
                Set.of("TLSv1.3"),
                "Java's own settings say (jdk.tls.client.protocols, up to TLSv1.3)");
        refuseUnless(Keyword.MIN_PROTOCOL_VERSION, Set.of("3.0"), "the driver speaks version 3.0");
        refuseUnless(Keyword.MAX_PROTOCOL_VERSION, Set.of("3.0", "3.2", "latest"), "the driver speaks version 3.0");
        refuseUnless(Keyword.GSSLIB, Set.of("gssapi"), "the driver uses Java's GSSAPI");
        refuseUnless(Keyword.GSSDELEGATION, Set.of("0"), "the driver does not delegate credentials");
        refuseUnless(Keyword.REPLICATION, Set.of("0", "off", "false", "no"), "rows are not read that way");
        String unsupported = "it is not supported";
        refuseUnless(Keyword.SSLKEYLOGFILE, Set.of(), unsupported);
        refuseUnless(Keyword.SCRAM_CLIENT_KEY, Set.of(), unsupported);
        refuseUnless(Keyword.SCRAM_SERVER_KEY, Set.of(), unsupported);
        refuseUnless(Keyword.OAUTH_ISSUER, Set.of(), unsupported);
        refuseUnless(Keyword.OAUTH_CLIENT_ID, Set.of(), unsupported);
        refuseUnless(Keyword.OAUTH_CLIENT_SECRET, Set.of(), unsupported);
        refuseUnless(Keyword.OAUTH_SCOPE, Set.of(), unsupported);
        if (has(Keyword.SSLKEY) && get(Keyword.SSLKEY).matches("[A-Za-z0-9_]+:.+")) {
            problems.add("has an sslkey in an OpenSSL engine, which the driver cannot use: name a file");
        }
        if ("system".equals(get(Keyword.SSLROOTCERT)) && has(Keyword.SSLMODE) && !"verify-full".equals(sslMode())) {
            problems.add("has sslrootcert=system with sslmode=" + sslMode() + "; libpq wants verify-full there");
        }
        String encoding = get(Keyword.CLIENT_ENCODING);
        if (!blank(encoding) && !encoding.replaceAll("[-_ ]", "").matches("(?i)utf8|unicode|auto")) {
            warnings.accept("client_encoding=" + encoding
                    + " makes no difference: the driver speaks UTF-8 with the server, and texts mean the same");
        }
        if (!blank(get(Keyword.TCP_USER_TIMEOUT)) && !"0".equals(get(Keyword.TCP_USER_TIMEOUT))) {
            warnings.accept(
                    "tcp_user_timeout is ignored, because Java cannot set it; keepalives_idle, keepalives_interval"
                            + " and keepalives_count notice a dead server too");
        }
        if ("1".equals(get(Keyword.SSLCOMPRESSION))) {
            warnings.accept("sslcompression=1 is ignored, as newer versions of libpq and OpenSSL do");
        }
    }

    private void oneOf(Keyword keyword, Set<String> allowed) {
        if (has(keyword) && !allowed.contains(get(keyword))) {
            problems.add("has " + keyword + "=" + get(keyword) + "; allowed are "
                    + String.join(", ", allowed.stream().sorted().toList()));
        }
    }

    private void number(Keyword keyword) {
        if (has(keyword) && !get(keyword).strip().matches("[-+]?\\d{1,9}")) {
            problems.add("has " + keyword + "=" + get(keyword) + ", which is no whole number");
        }
    }

    private void refuseUnless(Keyword keyword, Set<String> harmless, String why) {
        if (has(keyword) && !harmless.contains(get(keyword))) {
            problems.add("has " + keyword + ", which cannot be honoured: " + why
                    + (harmless.isEmpty()
                            ? ""
                            : "; leave it out, or set "
                                    + String.join(
                                            " or ", harmless.stream().sorted().toList())));
        }
    }

    // ---- what there is

    /** A parameter's value, null where there is none. */
    String get(Keyword keyword) {
        return values.get(keyword);
    }

    /** Whether a parameter has a value; an empty one is none. */
    boolean has(Keyword keyword) {
        return !blank(values.get(keyword));
    }

    List<Host> hosts() {
        return hosts;
    }

    String user() {
        return get(Keyword.USER);
    }

    String database() {
        return get(Keyword.DBNAME);
    }

    TargetSession targetSession() {
        return targetSession;
    }

    /** Whether the hosts are tried in any order. */
    boolean shuffled() {
        return "random".equals(get(Keyword.LOAD_BALANCE_HOSTS));
    }

    private String sslMode() {
        return has(Keyword.SSLMODE)
                ? get(Keyword.SSLMODE)
                : "system".equals(get(Keyword.SSLROOTCERT)) ? "verify-full" : "prefer";
    }

    /**
     * The driver's properties for one host, without user and password.
     *
     * @throws SQLException where the driver cannot read the client's key
     */
    Properties properties(Host host, Surroundings surroundings) throws SQLException {
        Properties properties = new Properties();
        put(properties, "options", Keyword.OPTIONS);
        put(properties, "ApplicationName", Keyword.FALLBACK_APPLICATION_NAME);
        put(properties, "ApplicationName", Keyword.APPLICATION_NAME);
        put(properties, "channelBinding", Keyword.CHANNEL_BINDING);
        put(properties, "requireAuth", Keyword.REQUIRE_AUTH);
        put(properties, "kerberosServerName", Keyword.KRBSRVNAME);
        if (has(Keyword.CONNECT_TIMEOUT)) {
            int seconds = Integer.parseInt(get(Keyword.CONNECT_TIMEOUT).strip());
            // libpq waits for ever at zero and below, and two seconds at least
            String timeout = Integer.toString(seconds <= 0 ? 0 : Math.max(2, seconds));
            properties.setProperty("connectTimeout", timeout);
            properties.setProperty("loginTimeout", timeout);
        }
        if (host.isSocket()) {
            properties.setProperty("socketFactory", UnixSockets.class.getName());
            properties.setProperty(
                    "socketFactoryArg",
                    UnixSockets.argument(
                            host.socket(surroundings.socketDirectories()),
                            has(Keyword.REQUIREPEER) ? get(Keyword.REQUIREPEER) : ""));
            // encryption is for the network, and libpq ignores these here too
            properties.setProperty("sslmode", "disable");
            properties.setProperty("gssEncMode", "disable");
        } else {
            network(host, properties);
            encryption(surroundings, properties);
        }
        return properties;
    }

    private void network(Host host, Properties properties) {
        boolean keepAlive = !"0".equals(get(Keyword.KEEPALIVES));
        properties.setProperty("tcpKeepAlive", Boolean.toString(keepAlive));
        String argument = TcpSockets.argument(
                host.name() == null || host.address() == null ? "" : host.address(),
                keepAlive ? positive(Keyword.KEEPALIVES_IDLE) : "",
                keepAlive ? positive(Keyword.KEEPALIVES_INTERVAL) : "",
                keepAlive ? positive(Keyword.KEEPALIVES_COUNT) : "");
        if (!argument.equals(TcpSockets.argument("", "", "", ""))) {
            properties.setProperty("socketFactory", TcpSockets.class.getName());
            properties.setProperty("socketFactoryArg", argument);
        }
    }

    private String positive(Keyword keyword) {
        int number = has(keyword) ? Integer.parseInt(get(keyword).strip()) : 0;
        return number > 0 ? Integer.toString(number) : "";
    }

    private void encryption(Surroundings surroundings, Properties properties) throws SQLException {
        String mode = sslMode();
        put(properties, "gssEncMode", Keyword.GSSENCMODE);
        put(properties, "sslNegotiation", Keyword.SSLNEGOTIATION);
        if (mode.equals("disable")) {
            properties.setProperty("sslmode", mode);
            return;
        }
        if ("system".equals(get(Keyword.SSLROOTCERT))) {
            properties.setProperty("sslfactory", "org.postgresql.ssl.DefaultJavaSSLFactory");
        } else {
            Path root = has(Keyword.SSLROOTCERT)
                    ? Path.of(get(Keyword.SSLROOTCERT))
                    : surroundings.inHome(".postgresql/root.crt");
            properties.setProperty("sslrootcert", root.toString());
            if (mode.equals("require") && Files.exists(root)) {
                // as libpq has it: who has a root certificate wants it looked at
                mode = "verify-ca";
            }
            Path certificate = has(Keyword.SSLCERT)
                    ? Path.of(get(Keyword.SSLCERT))
                    : surroundings.inHome(".postgresql/postgresql.crt");
            Path key = has(Keyword.SSLKEY)
                    ? Path.of(get(Keyword.SSLKEY))
                    : surroundings.inHome(".postgresql/postgresql.key");
            boolean present = Files.exists(certificate) && (has(Keyword.SSLKEY) || Files.exists(key));
            if (present || has(Keyword.SSLCERT) || has(Keyword.SSLKEY)) {
                properties.setProperty("sslcert", certificate.toString());
                properties.setProperty("sslkey", key.toString());
                put(properties, "sslpassword", Keyword.SSLPASSWORD);
                String algorithm = ClientKey.algorithm(key);
                if (algorithm != null) {
                    properties.setProperty("pemKeyAlgorithm", algorithm);
                }
            }
        }
        properties.setProperty("sslmode", mode);
    }

    private void put(Properties properties, String name, Keyword keyword) {
        if (has(keyword)) {
            properties.setProperty(name, get(keyword));
        }
    }
}
