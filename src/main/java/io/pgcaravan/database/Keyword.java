package io.pgcaravan.database;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The parameters of libpq up to version 18: the environment variable that stands in for each, the driver's property that takes
 * its value, the values that are supported (null is any, empty is none), and why there are no others.
 */
enum Keyword {
    SERVICE("PGSERVICE"),
    SERVICEFILE("PGSERVICEFILE"),
    USER("PGUSER", "user"),
    PASSWORD("PGPASSWORD", "password"),
    PASSFILE(null, null, "", "name the file in the environment variable PGPASSFILE"),
    CHANNEL_BINDING("PGCHANNELBINDING", "channelBinding", "disable, prefer, require", null),
    CONNECT_TIMEOUT("PGCONNECT_TIMEOUT"),
    DBNAME("PGDATABASE", "PGDBNAME"),
    HOST("PGHOST"),
    HOSTADDR("PGHOSTADDR", null, "", "give the address as host"),
    PORT("PGPORT"),
    CLIENT_ENCODING("PGCLIENTENCODING"),
    OPTIONS("PGOPTIONS", "options"),
    FALLBACK_APPLICATION_NAME(null, "ApplicationName"),
    APPLICATION_NAME("PGAPPNAME", "ApplicationName"),
    KEEPALIVES(null, null, "0, 1", null),
    KEEPALIVES_IDLE(null, null, "0", "set the system's tcp_keepalive times"),
    KEEPALIVES_INTERVAL(null, null, "0", "set the system's tcp_keepalive times"),
    KEEPALIVES_COUNT(null, null, "0", "set the system's tcp_keepalive times"),
    TCP_USER_TIMEOUT(null, null, "0", "set the system's tcp_keepalive times"),
    SSLMODE("PGSSLMODE", null, "disable, allow, prefer, require, verify-ca, verify-full", null),
    SSLNEGOTIATION("PGSSLNEGOTIATION", "sslNegotiation", "postgres, direct", null),
    SSLCOMPRESSION("PGSSLCOMPRESSION", null, "0", "TLS no longer compresses"),
    SSLCERT("PGSSLCERT"),
    SSLKEY("PGSSLKEY"),
    SSLKEYLOGFILE(null, null, "", "the driver writes no key log"),
    SSLCERTMODE("PGSSLCERTMODE", null, "allow", "the driver sends a certificate where it has one"),
    SSLPASSWORD(null, "sslpassword"),
    SSLROOTCERT("PGSSLROOTCERT"),
    SSLCRL("PGSSLCRL", null, "", "the driver does not check revocation lists"),
    SSLCRLDIR("PGSSLCRLDIR", null, "", "the driver does not check revocation lists"),
    SSLSNI("PGSSLSNI", null, "1", "Java always sends the host name"),
    REQUIREPEER("PGREQUIREPEER", null, "", "the driver cannot ask which user runs the server"),
    REQUIRE_AUTH("PGREQUIREAUTH", "requireAuth"),
    SSL_MIN_PROTOCOL_VERSION(
            "PGSSLMINPROTOCOLVERSION", null, "TLSv1, TLSv1.1, TLSv1.2", "set Java's jdk.tls.client.protocols"),
    SSL_MAX_PROTOCOL_VERSION("PGSSLMAXPROTOCOLVERSION", null, "TLSv1.3", "set Java's jdk.tls.client.protocols"),
    MIN_PROTOCOL_VERSION("PGMINPROTOCOLVERSION", null, "3.0", "the driver uses 3.0"),
    MAX_PROTOCOL_VERSION("PGMAXPROTOCOLVERSION", null, "3.0, 3.2, latest", "the driver uses 3.0"),
    GSSENCMODE("PGGSSENCMODE", "gssEncMode", "disable, prefer, require", null),
    KRBSRVNAME("PGKRBSRVNAME", "kerberosServerName"),
    GSSLIB("PGGSSLIB", null, "gssapi", "the driver uses Java's"),
    GSSDELEGATION("PGGSSDELEGATION", null, "0", "the driver delegates no credentials"),
    REPLICATION(null, null, "0, off, false, no", "rows are not read that way"),
    TARGET_SESSION_ATTRS(
            "PGTARGETSESSIONATTRS", null, "any, read-write, read-only, primary, standby, prefer-standby", null),
    LOAD_BALANCE_HOSTS("PGLOADBALANCEHOSTS", null, "disable, random", null),
    SCRAM_CLIENT_KEY(null, null, "", "give the password"),
    SCRAM_SERVER_KEY(null, null, "", "give the password"),
    OAUTH_ISSUER(null, null, "", "the driver has no OAuth"),
    OAUTH_CLIENT_ID(null, null, "", "the driver has no OAuth"),
    OAUTH_CLIENT_SECRET(null, null, "", "the driver has no OAuth"),
    OAUTH_SCOPE(null, null, "", "the driver has no OAuth");

    private final String variable;
    private final String property;
    private final String supported;
    private final String why;

    Keyword(String variable) {
        this(variable, null);
    }

    Keyword(String variable, String property) {
        this(variable, property, null, null);
    }

    Keyword(String variable, String property, String supported, String why) {
        this.variable = variable;
        this.property = property;
        this.supported = supported;
        this.why = why;
    }

    /** @throws IllegalArgumentException where libpq has no such parameter */
    static Keyword of(String name) {
        List<String> names = Arrays.stream(values()).map(Keyword::toString).toList();
        if (!names.contains(name)) {
            throw new IllegalArgumentException(
                    "has an unknown keyword \"" + name + "\"" + Spelling.nearest(name, names));
        }
        return values()[names.indexOf(name)];
    }

    /** The environment variable, or null. */
    String variable() {
        return variable;
    }

    /** The driver's property that takes the value as it is, or null. */
    String property() {
        return property;
    }

    /** What is wrong with a value, null where it is supported. */
    String problem(String value) {
        if (supported == null || List.of(supported.split(", ")).contains(value)) {
            return null;
        }
        return why == null
                ? "has an invalid " + this + " \"" + value + "\"; expected one of " + supported
                : "has " + this + ", which is not supported"
                        + (supported.isEmpty() ? ": " : " except as " + supported + ": ") + why;
    }

    /** As it is written in a connection string. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
