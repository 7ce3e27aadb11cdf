package io.pgcaravan.camel;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;

/** As much of S3 as the AWS client of Camel speaks: one bucket of objects in memory, on loopback. */
final class S3Server implements AutoCloseable {

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final ConcurrentSkipListMap<String, byte[]> objects = new ConcurrentSkipListMap<>();
    private final Map<String, byte[]> parts = new TreeMap<>();

    /** What a key ends in whose transfer is cut, once, in its middle. */
    private final AtomicReference<String> cut = new AtomicReference<>();

    /** The keys of objects as they came to be there. */
    final List<String> stored = new CopyOnWriteArrayList<>();

    S3Server() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The keys of all objects. */
    List<String> keys() {
        return List.copyOf(objects.keySet());
    }

    byte[] take(String key) {
        return objects.remove(key);
    }

    void put(String key, byte[] bytes) {
        objects.put(key, bytes);
    }

    void cutIn(String suffix) {
        cut.set(suffix);
    }

    boolean wasCut() {
        return cut.get() == null;
    }

    private boolean cuts(String key) {
        String suffix = cut.get();
        return suffix != null && key.endsWith(suffix) && cut.compareAndSet(suffix, null);
    }

    private void handle(HttpExchange call) throws IOException {
        try (call) {
            Map<String, String> query = new TreeMap<>();
            String raw = call.getRequestURI().getRawQuery();
            for (String part : raw == null ? new String[0] : raw.split("&")) {
                String[] pair = part.split("=", 2);
                query.put(pair[0], pair.length == 1 ? "" : URLDecoder.decode(pair[1], StandardCharsets.UTF_8));
            }
            String[] path = call.getRequestURI().getRawPath().split("/", 3);
            String key = path.length < 3 || path[2].isEmpty()
                    ? null
                    : URLDecoder.decode(path[2].replace("+", "%2B"), StandardCharsets.UTF_8);
            byte[] body = body(call);
            call.getResponseHeaders().add("x-amz-request-id", "test");
            switch (call.getRequestMethod() + (key == null ? " bucket" : "")) {
                case "PUT" -> {
                    if (cuts(key)) {
                        return;
                    }
                    if (query.containsKey("partNumber")) {
                        synchronized (parts) {
                            parts.put(String.format("%s %05d", key, Integer.parseInt(query.get("partNumber"))), body);
                        }
                    } else {
                        objects.put(key, body);
                        stored.add(key);
                    }
                    call.getResponseHeaders().add("ETag", "\"" + Arrays.hashCode(body) + "\"");
                    answer(call, 200, new byte[0]);
                }
                case "POST" -> {
                    if (query.containsKey("uploads")) {
                        xml(
                                call,
                                200,
                                "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>");
                    } else {
                        ByteArrayOutputStream whole = new ByteArrayOutputStream();
                        synchronized (parts) {
                            parts.entrySet().removeIf(part -> {
                                boolean mine = part.getKey().startsWith(key + " ");
                                if (mine) {
                                    whole.writeBytes(part.getValue());
                                }
                                return mine;
                            });
                        }
                        objects.put(key, whole.toByteArray());
                        stored.add(key);
                        xml(
                                call,
                                200,
                                "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>");
                    }
                }
                case "GET" -> {
                    byte[] bytes = objects.get(key);
                    if (bytes == null) {
                        xml(
                                call,
                                404,
                                "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>");
                    } else if (cuts(key)) {
                        call.sendResponseHeaders(200, bytes.length);
                        call.getResponseBody().write(bytes, 0, bytes.length / 2);
                        call.getResponseBody().flush();
                    } else {
                        answer(call, 200, bytes);
                    }
                }
                case "DELETE" -> {
                    objects.remove(key);
                    call.sendResponseHeaders(204, -1);
                }
                case "GET bucket", "HEAD bucket" -> {
                    StringBuilder list = new StringBuilder("<ListBucketResult><IsTruncated>false</IsTruncated>");
                    String prefix = query.getOrDefault("prefix", "");
                    objects.forEach((name, bytes) -> {
                        if (name.startsWith(prefix)) {
                            list.append("<Contents><Key>")
                                    .append(URLEncoder.encode(name, StandardCharsets.UTF_8))
                                    .append("</Key><Size>")
                                    .append(bytes.length)
                                    .append("</Size></Contents>");
                        }
                    });
                    list.append("<EncodingType>url</EncodingType></ListBucketResult>");
                    xml(call, 200, list.toString());
                }
                default -> xml(call, 501, "<Error><Code>NotImplemented</Code></Error>");
            }
        }
    }

    private static void xml(HttpExchange call, int code, String text) throws IOException {
        call.getResponseHeaders().add("Content-Type", "application/xml");
        answer(call, code, ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + text).getBytes(StandardCharsets.UTF_8));
    }

    private static void answer(HttpExchange call, int code, byte[] bytes) throws IOException {
        if (call.getRequestMethod().equals("HEAD")) {
            call.sendResponseHeaders(code, -1);
            return;
        }
        call.sendResponseHeaders(code, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            call.getResponseBody().write(bytes);
        }
    }

    /** What was sent, without the lengths and signatures that the client puts between. */
    private static byte[] body(HttpExchange call) throws IOException {
        InputStream in = call.getRequestBody();
        String encoding = String.valueOf(call.getRequestHeaders().getFirst("Content-Encoding"));
        if (!encoding.contains("aws-chunked")) {
            return in.readAllBytes();
        }
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        while (true) {
            int length = Integer.parseInt(line(in).split(";")[0], 16);
            if (length == 0) {
                in.readAllBytes();
                return plain.toByteArray();
            }
            plain.write(in.readNBytes(length));
            line(in);
        }
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new IOException("the body ends in a line");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
