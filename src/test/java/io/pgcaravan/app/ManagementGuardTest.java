package io.pgcaravan.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.cli.Setup;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the management port answers, to requests as browsers and monitors write them. */
class ManagementGuardTest {

    @TempDir
    static Path directory;

    private static Application application;
    private static int port;

    @BeforeAll
    static void start() throws Exception {
        port = freePort();
        application = Application.configured(config(Map.of("management.hosts", "Caravan.example, 10.0.0.5")), routes());
        application.start();
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "127.0.0.1", "[::1]", "LOCALHOST", "caravan.example", "10.0.0.5"})
    void it_answers_to_the_names_of_this_machine_and_those_that_were_configured(String host) throws IOException {
        assertThat(get("/observe/health/live", "Host: " + host + ":" + port)).startsWith("HTTP/1.1 200");
        assertThat(get("/observe/health/live", "Host: " + host)).startsWith("HTTP/1.1 200");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "localhost.evil.example",
                "127.0.0.1.evil.example",
                "evil.example:8090",
                "localhost@evil.example",
                "10.0.0.6",
                "0.0.0.0",
                "",
                "localhost\r\nHost: evil.example",
                "evil.example\r\nX-Forwarded-Host: localhost",
                "evil.example\r\nForwarded: host=localhost"
            })
    void another_host_name_is_refused(String host) throws IOException {
        for (String path : List.of("/observe/health/live", "/observe/health", "/", "/nothing/here")) {
            assertThat(get(path, "Host: " + host))
                    .as(path)
                    .matches("(?s)HTTP/1\\.1 4(21|00) .*")
                    .doesNotContain("\"UP\"");
        }
    }

    @Test
    void a_request_line_that_names_another_host_is_refused() throws IOException {
        assertThat(get("http://evil.example/observe/health/live", "Host: evil.example"))
                .startsWith("HTTP/1.1 421");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Sec-Fetch-Site: cross-site",
                // another port of this machine
                "Sec-Fetch-Site: same-site",
                "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site",
                "Origin: https://evil.example",
                "Origin: null",
                "Origin: http://localhost:1",
                "Origin: http://localhost",
                "Origin: http://127.0.0.1:PORT",
                "Origin: file://",
                "Origin: ://",
                "Origin: http://localhost:PORT\r\nSec-Fetch-Site: cross-site"
            })
    void a_request_that_another_site_makes_is_refused(String header) throws IOException {
        String headers = "Host: localhost:" + port + "\r\n" + header.replace("PORT", Integer.toString(port));
        assertThat(get("/observe/health/live", headers)).startsWith("HTTP/1.1 403");
        assertThat(request("POST / HTTP/1.1", headers + "\r\nContent-Length: 0"))
                .startsWith("HTTP/1.1 403");
        assertThat(request("OPTIONS / HTTP/1.1", headers + "\r\nAccess-Control-Request-Method: POST"))
                .startsWith("HTTP/1.1 403")
                .doesNotContainIgnoringCase("Access-Control-Allow");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Sec-Fetch-Site: none",
                "Sec-Fetch-Site: same-origin",
                "Origin: http://localhost:PORT",
                "Origin: http://localhost:PORT\r\nSec-Fetch-Site: same-origin"
            })
    void the_pages_of_the_port_itself_are_answered(String header) throws IOException {
        String headers = "Host: localhost:" + port + "\r\n" + header.replace("PORT", Integer.toString(port));
        assertThat(get("/observe/health/live", headers))
                .startsWith("HTTP/1.1 200")
                .containsIgnoringCase("X-Frame-Options: DENY")
                .containsIgnoringCase("X-Content-Type-Options: nosniff");
    }

    @Test
    void behind_a_proxy_that_ends_tls_the_page_s_own_requests_are_answered() throws IOException {
        assertThat(get("/observe/health/live", "Host: caravan.example\r\nOrigin: https://caravan.example"))
                .startsWith("HTTP/1.1 200");
    }

    @Test
    void a_monitor_that_sends_no_host_is_answered() throws IOException {
        assertThat(request("GET /observe/health/live HTTP/1.0", "Accept: */*")).contains(" 200 ");
    }

    @Test
    void a_request_that_has_to_name_a_host_and_does_not_is_refused_without_ado() throws IOException {
        RecentLines log = RecentLines.listen();
        try {
            for (String path : List.of("/", "/observe/health/ready", "/console/status", "/nothing/here")) {
                String answer = request("GET " + path + " HTTP/1.1", "Accept: */*");
                assertThat(answer).startsWith("HTTP/1.1 400 ");
                assertThat(answer.substring(answer.indexOf("\r\n\r\n")).strip()).isEqualTo("Bad Request");
            }
            assertThat(log.latest()).isEmpty();
        } finally {
            log.close();
        }
    }

    @Test
    void it_listens_on_this_machine_s_loopback_address_only() throws IOException {
        assertThat(Files.readString(Path.of("config/application.properties")))
                .contains("\ncamel.management.host = 127.0.0.1\n");
        // a second socket on the port, at another address: possible only if the server has not taken them all
        try (ServerSocket other = new ServerSocket()) {
            other.setReuseAddress(false);
            other.bind(new java.net.InetSocketAddress(InetAddress.getByName("127.0.0.2"), port));
            assertThat(other.isBound()).isTrue();
        }
    }

    @Test
    void a_host_that_is_no_name_and_a_shared_port_are_told_at_the_start() throws Exception {
        Path config = config(Map.of(
                "management.hosts", "caravan.example:8090, *",
                "camel.server.enabled", "true",
                "camel.server.port", Integer.toString(port)));
        assertThatThrownBy(() -> Configuration.read(config, routes(), true))
                .hasMessageContaining("management.hosts: invalid host name \"caravan.example:8090\"")
                .hasMessageContaining("management.hosts: invalid host name \"*\"")
                .hasMessageContaining("camel.server.port: must not be camel.management.port");
    }

    private static Path config(Map<String, String> keys) throws IOException {
        Map<String, String> all = new java.util.TreeMap<>(keys);
        all.put("camel.management.port", Integer.toString(port));
        Path config = Setup.config(Files.createTempDirectory(directory, "config"), all);
        // nothing of the shipped routes is used here
        Path file = config.resolve("application.properties");
        Files.write(
                file,
                Files.readAllLines(file).stream()
                        .filter(line -> line.startsWith("camel.") || line.startsWith("management."))
                        .toList());
        return config;
    }

    private static Path routes() throws IOException {
        Path routes = Files.createDirectories(directory.resolve("routes"));
        Files.writeString(routes.resolve("idle.camel.yaml"), """
                - route:
                    id: idle
                    autoStartup: false
                    from:
                      uri: timer:idle
                      steps:
                        - log: never
                """);
        return routes;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }

    private static String get(String path, String headers) throws IOException {
        return request("GET " + path + " HTTP/1.1", headers);
    }

    /** The whole answer; byte for byte what is given is sent, which the JDK's client would not do. */
    private static String request(String line, String headers) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream()
                    .write((line + "\r\n" + headers + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.UTF_8));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
