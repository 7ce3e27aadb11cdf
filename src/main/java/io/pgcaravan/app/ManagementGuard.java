package io.pgcaravan.app;

import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.AuthenticationHandler;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Stands before everything on the management port and lets only requests through that no web page of another site can have
 * caused.
 *
 * <p>Listening on 127.0.0.1 keeps other machines out, not the pages that a browser on this machine has open. Such a page
 * reaches the port in two ways: by a name of its own that it resolves to 127.0.0.1 (DNS rebinding), which the Host header
 * tells, or by a request across sites, which Sec-Fetch-Site and Origin tell. A request without a Host header is let
 * through: it is from no browser.
 */
final class ManagementGuard implements AuthenticationHandler {

    private static final Set<String> OF_THIS_MACHINE = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Set<String> EVERY_ADDRESS = Set.of("0.0.0.0", "[::]");
    private static final Set<String> NOT_FROM_ANOTHER_SITE = Set.of("same-origin", "none");

    private final Set<String> hosts = new TreeSet<>(OF_THIS_MACHINE);

    /**
     * @param address what the server listens on, which is a name of it too; null for every address
     * @param names further host names or addresses by which it may be called, without ports
     */
    ManagementGuard(String address, Collection<String> names) {
        if (address != null && !EVERY_ADDRESS.contains(inUrl(address))) {
            hosts.add(inUrl(address));
        }
        names.forEach(name -> hosts.add(inUrl(name)));
    }

    @Override
    public void handle(RoutingContext context) {
        HttpServerRequest request = context.request();
        HttpServerResponse response = context.response();
        response.putHeader("X-Content-Type-Options", "nosniff")
                .putHeader("X-Frame-Options", "DENY")
                .putHeader("Cross-Origin-Resource-Policy", "same-origin");
        if (!isForUs(request)) {
            refuse(
                    response,
                    421,
                    "This port does not answer to that host name: it answers to localhost, 127.0.0.1, [::1]"
                            + " and the names in management.hosts (config/application.properties).");
        } else if (!isFromHere(request)) {
            refuse(
                    response,
                    403,
                    "This port does not answer to pages and links of other sites: enter the address in the browser.");
        } else {
            context.next();
        }
    }

    private boolean isForUs(HttpServerRequest request) {
        List<String> given = request.headers().getAll("Host");
        HostAndPort authority = request.authority();
        if (authority == null) {
            return given.isEmpty();
        }
        return given.size() <= 1 && hosts.contains(inUrl(authority.host()));
    }

    private static boolean isFromHere(HttpServerRequest request) {
        List<String> sites = request.headers().getAll("Sec-Fetch-Site");
        List<String> origins = request.headers().getAll("Origin");
        return NOT_FROM_ANOTHER_SITE.containsAll(sites)
                && origins.stream().allMatch(origin -> isSame(origin, request.authority()));
    }

    /** Scheme aside: before TLS that a proxy ends, ours differs from the browser's. */
    private static boolean isSame(String origin, HostAndPort authority) {
        try {
            URI page = new URI(origin);
            if (authority == null || page.getHost() == null) {
                return false;
            }
            int preset = "https".equalsIgnoreCase(page.getScheme()) ? 443 : 80;
            return inUrl(page.getHost()).equals(inUrl(authority.host()))
                    && orElse(page.getPort(), preset) == orElse(authority.port(), preset);
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static int orElse(int port, int preset) {
        return port < 0 ? preset : port;
    }

    /** As it stands in a URL: lower case, an IPv6 address in brackets. */
    private static String inUrl(String host) {
        String name = host.strip().toLowerCase(Locale.ROOT);
        return name.contains(":") && !name.startsWith("[") ? "[" + name + "]" : name;
    }

    private static void refuse(HttpServerResponse response, int status, String why) {
        response.setStatusCode(status)
                .putHeader("Content-Type", "text/plain; charset=utf-8")
                .end(why + "\n");
    }
}
