package io.pgcaravan.app;

import io.pgcaravan.camel.Acts;
import io.pgcaravan.camel.StatusPoll;
import io.pgcaravan.status.Json;
import io.pgcaravan.status.Status;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The page on the management port: the state of everything, live, and a few operations. It stands behind the {@link
 * ManagementGuard}; operations require a token in a header of their own, which no form and no page of another site can send, and no
 * cookie is ever set.
 */
final class Console implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Console.class);

    private static final Duration HISTORY = Duration.ofHours(1);
    private static final String BEARER = "Bearer ";

    private static final Map<String, String> FILES = Map.of(
            "/", "index.html",
            "/console/console.css", "console.css",
            "/console/console.js", "console.js",
            "/console/icon.svg", "icon.svg");

    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml");

    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final StatusPoll poll;
    private final Acts acts;
    private final byte[] token;
    private final RecentLines log = RecentLines.listen();

    /** What each job was at, at each look of the last hour. */
    private final Map<String, Deque<Point>> history = new TreeMap<>();

    /** One look at a job; what is not known is null. */
    private record Point(long at, Double lag, Long pending, Double rate) {}

    /**
     * All that the page shows.
     *
     * @param acts whether there is a token
     * @param history by the jobs' consumers
     */
    private record Page(
            boolean acts,
            Status status,
            List<Acts.Standing> routes,
            Map<String, List<Point>> history,
            List<RecentLines.Line> log,
            String version) {}

    @FunctionalInterface
    private interface Act {
        String run(RoutingContext request) throws Exception;
    }

    /** @param token what operations require; null where the console only shows */
    Console(StatusPoll poll, Acts acts, String token) {
        this.poll = poll;
        this.acts = acts;
        this.token = token == null ? null : token.getBytes(StandardCharsets.UTF_8);
        poll.tell(this::remember);
    }

    void mount(Router router) {
        FILES.forEach((path, file) -> {
            byte[] content = read(file);
            String type = TYPES.get(file.substring(file.lastIndexOf('.') + 1));
            router.get(path).handler(request -> headers(request)
                    .putHeader("Content-Type", type)
                    .end(io.vertx.core.buffer.Buffer.buffer(content)));
        });
        router.get("/console/status").handler(this::status);
        act(router, "suspend", request -> acts.suspend(parameter(request, "route")));
        act(router, "hand-over", request -> acts.handOver(parameter(request, "route")));
        act(router, "resume", request -> acts.resume(parameter(request, "route")));
        act(
                router,
                "retry",
                request -> acts.retry(parameter(request, "route"), Long.parseLong(parameter(request, "id"))));
        act(router, "export", request -> acts.export(parameter(request, "route")));
    }

    private static byte[] read(String file) {
        try (InputStream stream = Console.class.getResourceAsStream("/console/" + file)) {
            return stream.readAllBytes();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static HttpServerResponse headers(RoutingContext request) {
        return request.response()
                .putHeader("Content-Security-Policy", POLICY)
                .putHeader("Referrer-Policy", "no-referrer")
                .putHeader("Cache-Control", "no-store");
    }

    // ---- what it shows

    private void remember(Status status) {
        long now = status.at().toEpochMilli();
        synchronized (history) {
            for (Status.Job job : status.jobs()) {
                history.computeIfAbsent(key(job), none -> new ArrayDeque<>())
                        .add(new Point(now, job.lag(), job.pendingEvents(), job.eventsPerSecond()));
            }
            history.values().forEach(points -> {
                while (!points.isEmpty() && points.peek().at < now - HISTORY.toMillis()) {
                    points.remove();
                }
            });
            history.values().removeIf(Deque::isEmpty);
        }
    }

    private static String key(Status.Job job) {
        return job.target() + " " + job.consumer();
    }

    private void status(RoutingContext request) {
        long since = since(request.request().getParam("since"));
        Map<String, List<Point>> points = new LinkedHashMap<>();
        synchronized (history) {
            history.forEach((job, all) -> points.put(
                    job, all.stream().filter(point -> point.at > since).toList()));
        }
        headers(request)
                .putHeader("Content-Type", "application/json")
                .end(Json.of(new Page(
                        token != null,
                        poll.latest(),
                        acts.routes(),
                        points,
                        log.latest(),
                        new Version().getVersion()[0])));
    }

    private static long since(String given) {
        try {
            return given == null ? 0 : Long.parseLong(given);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    // ---- what it does

    private void act(Router router, String name, Act act) {
        router.post("/console/" + name).handler(request -> {
            if (token == null) {
                answer(
                        request,
                        403,
                        "this console only shows; set console.token in application.properties to allow operations");
            } else if (!isAllowed(request.request().getHeader("Authorization"))) {
                LOG.warn(
                        "the console refused to {}: wrong token, from {}",
                        name,
                        request.request().remoteAddress());
                answer(request, 401, "wrong token");
            } else {
                // it may wait for a batch
                request.vertx()
                        .executeBlocking(() -> act.run(request), false)
                        .onSuccess(said -> {
                            LOG.info("the console: {}", said);
                            poll.soon();
                            answer(request, 200, said);
                        })
                        .onFailure(failure -> answer(
                                request,
                                failure instanceof IllegalArgumentException ? 404 : 409,
                                String.valueOf(failure.getMessage())));
            }
        });
    }

    private boolean isAllowed(String authorization) {
        return authorization != null
                && authorization.startsWith(BEARER)
                && MessageDigest.isEqual(
                        authorization.substring(BEARER.length()).getBytes(StandardCharsets.UTF_8), token);
    }

    private static String parameter(RoutingContext request, String name) {
        String value = request.request().getParam(name);
        if (value == null) {
            throw new IllegalArgumentException("the parameter " + name + " is missing");
        }
        return value;
    }

    private static void answer(RoutingContext request, int status, String said) {
        headers(request)
                .setStatusCode(status)
                .putHeader("Content-Type", "application/json")
                .end(Json.of(Map.of("said", said, "at", Instant.now())));
    }

    @Override
    public void close() {
        log.close();
    }
}
