package io.pgcaravan.camel;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgcaravan.app.Database;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;

/** The application with given route files, as {@code caravan run} starts them, inside the test's JVM. */
public final class Job implements AutoCloseable {

    private final Main main = new Main();
    private final List<BatchDataSource> pools = new ArrayList<>();

    /**
     * @param properties what config/application.properties would say
     * @param files route files
     */
    Job(Orders orders, Map<String, String> properties, Path... files) throws Exception {
        this(orders.sourceUrl, orders.targetUrl, properties, null, files);
    }

    /** @param watcher sees what passes between the application and its two databases; null for none */
    public Job(
            String sourceUrl,
            String targetUrl,
            Map<String, String> properties,
            WatchedDataSource.Watcher watcher,
            Path... files)
            throws Exception {
        Properties all = new Properties();
        all.putAll(defaults());
        all.putAll(properties);
        main.setDefaultPropertyPlaceholderLocation("false");
        main.setOverrideProperties(all);
        main.configure()
                .withRoutesIncludePattern(Stream.of(files)
                        .map(file -> "file:" + file.toAbsolutePath())
                        .collect(Collectors.joining(",")));
        main.configure().withShutdownTimeout(5);
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport support) {
                CamelContext context = support.getCamelContext();
                pools.add(pool("sourceDb", sourceUrl, watcher));
                pools.add(pool("targetDb", targetUrl, watcher));
                context.getRegistry().bind("sourceDb", pools.get(0));
                context.getRegistry().bind("targetDb", pools.get(1));
            }
        });
        try {
            main.start();
        } catch (Exception | Error e) {
            pools.forEach(BatchDataSource::close);
            throw e;
        }
    }

    private static BatchDataSource pool(String name, String url, WatchedDataSource.Watcher watcher) {
        BatchDataSource pool = Database.parse(url).pool(name, 4);
        if (watcher == null) {
            return pool;
        }
        HikariDataSource plain = (HikariDataSource) pool.getTargetDataSource();
        HikariConfig config = new HikariConfig();
        plain.copyStateTo(config);
        plain.close();
        config.setDataSource(new WatchedDataSource(plain.getDataSource(), watcher));
        return new BatchDataSource(new HikariDataSource(config), pool.toString());
    }

    /** The shipped dispatch route. */
    static Job dispatch(Orders orders, Map<String, String> properties) throws Exception {
        return new Job(orders, properties, Path.of("routes/dispatch.camel.yaml"));
    }

    /** The shipped dispatch-rows route. */
    static Job rows(Orders orders, Map<String, String> properties) throws Exception {
        return new Job(orders, properties, Path.of("routes/dispatch-rows.camel.yaml"));
    }

    private static Map<String, String> defaults() {
        Map<String, String> defaults = new TreeMap<>();
        for (String job : new String[] {"dispatch", "dispatch-rows"}) {
            defaults.put(job + ".enabled", "true");
            defaults.put(job + ".queue", "orders");
            defaults.put(job + ".consumer", "test");
            defaults.put(job + ".destTable", "public.orders");
            defaults.put(job + ".fields", "*");
            defaults.put(job + ".partField", "created_at");
            defaults.put(job + ".period", "day");
            defaults.put(job + ".onError", "stop");
            defaults.put(job + ".rowMode", "plain");
            defaults.put(job + ".eventTypes", "I");
        }
        return defaults;
    }

    /** By the names of their data sources. */
    Map<String, BatchDataSource> databases() {
        return Map.of("sourceDb", pools.get(0), "targetDb", pools.get(1));
    }

    public CamelContext context() {
        return main.getCamelContext();
    }

    @Override
    public void close() throws Exception {
        main.getCamelContext().getShutdownStrategy().setTimeUnit(TimeUnit.SECONDS);
        main.stop();
        // a stopped context no longer knows its beans
        pools.forEach(BatchDataSource::close);
    }
}
