package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** {@code caravan run} inside the test's JVM, and its management port. */
final class RunningApplication implements AutoCloseable {

    private final HttpClient http = HttpClient.newHttpClient();
    private final Application application;
    final String url;

    /**
     * @param directory to write config/ to
     * @param keys of application.properties
     */
    RunningApplication(Path directory, Path routes, Map<String, String> keys) throws IOException {
        int port = freePort();
        Map<String, String> all = new TreeMap<>(keys);
        all.put("camel.management.port", Integer.toString(port));
        all.put("status.period", "500");
        application = Application.configured(Setup.config(directory.resolve("config"), all), routes);
        application.start();
        url = "http://127.0.0.1:" + port;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }

    HttpResponse<String> get(String path, String... headers) throws Exception {
        return send(HttpRequest.newBuilder().GET(), path, headers);
    }

    HttpResponse<String> post(String path, String... headers) throws Exception {
        return send(HttpRequest.newBuilder().POST(HttpRequest.BodyPublishers.noBody()), path, headers);
    }

    private HttpResponse<String> send(HttpRequest.Builder request, String path, String... headers) throws Exception {
        request.uri(URI.create(url + path));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    Scrape scrape() throws Exception {
        HttpResponse<String> response = get("/observe/metrics");
        if (response.statusCode() != 200) {
            throw new IllegalStateException(response.statusCode() + ": " + response.body());
        }
        return new Scrape(response.body());
    }

    @Override
    public void close() {
        application.close();
    }
}
