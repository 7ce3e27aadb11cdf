package io.pgcaravan.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.util.json.JsonObject;
import org.apache.camel.util.json.Jsoner;

/** A headless Chromium with one page, over its DevTools protocol. */
final class Browser implements AutoCloseable {

    private static final Pattern LISTENING = Pattern.compile("DevTools listening on ws://([^/]+)/.*");

    private final Process process;
    private final WebSocket socket;
    private final AtomicInteger number = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonObject>> answers = new ConcurrentHashMap<>();

    /** Where a Chromium is, if there is one. */
    static Optional<Path> find() {
        String path = System.getenv().getOrDefault("PATH", "");
        return Stream.of("chromium", "chromium-browser", "google-chrome")
                .flatMap(name -> Stream.of(path.split(":")).map(directory -> Path.of(directory, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    Browser(Path chromium, Path profile, String url) throws Exception {
        process = new ProcessBuilder(List.of(
                        chromium.toString(),
                        "--headless=new",
                        // as root there is none
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + profile,
                        "about:blank"))
                .redirectErrorStream(true)
                .start();
        BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String host = null;
        String line;
        while (host == null && (line = output.readLine()) != null) {
            Matcher listening = LISTENING.matcher(line);
            host = listening.matches() ? listening.group(1) : null;
        }
        if (host == null) {
            throw new IOException("Chromium does not listen");
        }
        Thread rest = new Thread(() -> output.lines().forEach(ignored -> {}), "chromium's output");
        rest.setDaemon(true);
        rest.start();
        HttpClient http = HttpClient.newHttpClient();
        String page = http.send(
                        HttpRequest.newBuilder(URI.create("http://" + host + "/json/new?about:blank"))
                                .PUT(HttpRequest.BodyPublishers.noBody())
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
        String address = ((JsonObject) Jsoner.deserialize(page)).getString("webSocketDebuggerUrl");
        socket = http.newWebSocketBuilder()
                .buildAsync(URI.create(address), new Answers())
                .get(30, TimeUnit.SECONDS);
        call("Page.enable", Map.of());
        // else nothing in a page that no window shows has the focus
        call("Emulation.setFocusEmulationEnabled", Map.of("enabled", true));
        call("Page.navigate", Map.of("url", url));
    }

    private final class Answers implements WebSocket.Listener {

        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                JsonObject answer = (JsonObject) Jsoner.deserialize(text.toString(), new JsonObject());
                text.setLength(0);
                Integer id = answer.getInteger("id");
                if (id != null) {
                    answers.remove(id).complete(answer);
                }
            }
            from.request(1);
            return null;
        }
    }

    private JsonObject call(String method, Map<String, Object> parameters) throws Exception {
        int id = number.incrementAndGet();
        CompletableFuture<JsonObject> answer = new CompletableFuture<>();
        answers.put(id, answer);
        JsonObject call = new JsonObject();
        call.put("id", id);
        call.put("method", method);
        call.put("params", new JsonObject(parameters));
        socket.sendText(call.toJson(), true).get(30, TimeUnit.SECONDS);
        JsonObject found = answer.get(60, TimeUnit.SECONDS);
        if (found.containsKey("error")) {
            throw new IllegalStateException(method + ": " + found.get("error"));
        }
        return (JsonObject) found.get("result");
    }

    /** The value of a script's expression. */
    Object evaluate(String script) throws Exception {
        JsonObject result =
                call("Runtime.evaluate", Map.of("expression", script, "returnByValue", true, "awaitPromise", true));
        if (result.containsKey("exceptionDetails")) {
            throw new IllegalStateException(script + ": " + result.get("exceptionDetails"));
        }
        return ((JsonObject) result.get("result")).get("value");
    }

    String text() throws Exception {
        return String.valueOf(evaluate("document.body ? document.body.innerText : ''"));
    }

    /** @param scheme light or dark */
    void becomes(int width, int height, boolean mobile, String scheme) throws Exception {
        call(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", mobile));
        JsonObject feature = new JsonObject(Map.of("name", "prefers-color-scheme", "value", scheme));
        call("Emulation.setEmulatedMedia", Map.of("features", List.of(feature)));
    }

    void screenshot(Path file) throws Exception {
        JsonObject result = call("Page.captureScreenshot", Map.of("format", "png"));
        Files.write(file, Base64.getDecoder().decode(result.getString("data")));
    }

    @Override
    public void close() throws InterruptedException {
        socket.abort();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
    }
}
