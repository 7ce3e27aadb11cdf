package io.pgcaravan.cli;

import io.pgcaravan.app.Application;
import io.pgcaravan.app.Database;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;

/**
 * Starts what {@code caravan run} does and ends, so that a Java machine with -XX:ArchiveClassesAtExit archives the classes: steps of every
 * kind, the management server, the driver. It reads nothing that users edit and needs no database.
 */
final class ClassData {

    private static final Map<String, Database> NOWHERE = Map.of(
            "sourceDb", Database.parse("jdbc:postgresql://127.0.0.1:1/source?user=caravan"),
            "targetDb", Database.parse("jdbc:postgresql://127.0.0.1:1/target?user=caravan"));

    private ClassData() {}

    public static void main(String[] args) throws Exception {
        Path logging = Path.of(System.getProperty("caravan.home", "."), "config", "log4j2.properties");
        if (Files.isReadable(logging)) {
            System.setProperty("log4j2.configurationFile", logging.toUri().toString());
        }
        int port = freePort();
        Path directory = Files.createTempDirectory("caravan-class-data-");
        try (Application application = Application.of(
                "class-data.camel.yaml",
                text("class-data.camel.yaml").replace("DIRECTORY", directory.toString()),
                NOWHERE,
                Map.ofEntries(
                        Map.entry("camel.main.shutdownTimeout", "5"),
                        Map.entry("camel.management.enabled", "true"),
                        Map.entry("camel.management.host", "127.0.0.1"),
                        Map.entry("camel.management.port", Integer.toString(port)),
                        Map.entry("camel.management.path", "/"),
                        Map.entry("camel.management.healthCheckEnabled", "true"),
                        Map.entry("camel.management.healthPath", "/observe/health"),
                        Map.entry("camel.management.metricsEnabled", "true"),
                        Map.entry("camel.health.exposureLevel", "full"),
                        Map.entry("camel.metrics.enabled", "true"),
                        Map.entry("camel.metrics.path", "/observe/metrics"),
                        Map.entry("camel.metrics.enableExchangeEventNotifier", "false")))) {
            application.measure(Duration.ofMinutes(1), null);
            application.start();
            HttpURLConnection ready =
                    (HttpURLConnection) URI.create("http://127.0.0.1:" + port + "/observe/health/ready")
                            .toURL()
                            .openConnection();
            System.out.println("readiness without a database: " + ready.getResponseCode());
        } finally {
            Files.deleteIfExists(directory);
        }
        loadAll(ClassData.class);
        loadAll(org.postgresql.Driver.class);
        loadAll(com.zaxxer.hikari.HikariDataSource.class);
        System.exit(0);
    }

    /** The classes of the jar that one is from: what only a batch, or a database that answers, would load. */
    private static void loadAll(Class<?> one) throws IOException, URISyntaxException {
        Path from =
                Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
        if (!Files.isRegularFile(from)) {
            return;
        }
        List<String> names;
        try (JarFile jar = new JarFile(from.toFile())) {
            names = jar.stream()
                    .map(entry -> entry.getName())
                    .filter(name -> name.endsWith(".class") && !name.startsWith("META-INF/"))
                    .map(name ->
                            name.substring(0, name.length() - ".class".length()).replace('/', '.'))
                    .toList();
        }
        for (String name : names) {
            try {
                Class.forName(name, false, ClassData.class.getClassLoader());
            } catch (ClassNotFoundException | LinkageError e) {
                // made for a library that is not here
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static String text(String resource) throws IOException {
        try (InputStream stream = ClassData.class.getResourceAsStream(resource)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
