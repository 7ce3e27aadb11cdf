package io.pgcaravan.app;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.pgcaravan.camel.Acts;
import io.pgcaravan.camel.BatchDataSource;
import io.pgcaravan.camel.JobPlans;
import io.pgcaravan.camel.StatusPoll;
import io.pgcaravan.camel.StatusWatch;
import io.pgcaravan.database.Secrets;
import io.pgcaravan.status.Limits;
import io.pgcaravan.status.Watch;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.PropertyBindingException;
import org.apache.camel.component.platform.http.main.ManagementHttpServer;
import org.apache.camel.component.properties.PropertiesComponent;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.main.SimpleMainShutdownStrategy;
import org.apache.camel.spi.Registry;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Camel Main application: the databases of config/ bound as data sources, the routes of routes/ started. */
public final class Application implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Application.class);

    private static final Pattern BOUND_KEY = Pattern.compile("\\((camel\\.[^=]+)=");

    private final Main main = new Main();
    private final Map<String, BatchDataSource> pools;
    /** Null for an application that is not monitored. */
    private Duration statusPeriod;

    /** Null where the console only shows. */
    private String consoleToken;

    private StatusPoll poll;
    private Console console;

    /**
     * @param properties null for none
     * @param managementHosts further names of the management server
     * @param overrides Camel's properties that differ
     */
    private Application(
            Path properties,
            List<Path> routeFiles,
            Map<String, BatchDataSource> pools,
            List<String> managementHosts,
            Map<String, String> overrides) {
        this.pools = pools;
        if (properties == null) {
            main.setDefaultPropertyPlaceholderLocation("false");
        } else {
            main.setPropertyPlaceholderLocations("file:" + properties.toAbsolutePath());
        }
        if (!routeFiles.isEmpty()) {
            main.configure()
                    .withRoutesIncludePattern(routeFiles.stream()
                            .map(file -> "file:" + file.toAbsolutePath())
                            .collect(Collectors.joining(",")));
        }
        // Bodies here are rows and files' names, never streams that are read twice; the look at each costs time.
        main.configure().withStreamCachingEnabled(false);
        Properties all = new Properties();
        all.putAll(overrides);
        main.setOverrideProperties(all);
        beforeConfigure(registry -> {
            pools.forEach(registry::bind);
            registry.bind("managementServerFactory", new GuardedManagement(managementHosts));
        });
    }

    private void beforeConfigure(Consumer<Registry> work) {
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport support) {
                work.accept(support.getCamelContext().getRegistry());
            }
        });
    }

    /** What the user wrote under config/ and routes/, checked as a whole. */
    public static Application configured(Path config, Path routes) throws IOException {
        Configuration configuration = Configuration.read(config, routes, true);
        Application application = of(configuration, config, null, Map.of());
        application.measure(configuration.statusPeriod(), configuration.consoleToken());
        return application;
    }

    /** Has meters, health and the console once it runs, and the looks at the databases that they need. */
    public void measure(Duration period, String token) {
        statusPeriod = period;
        consoleToken = token;
        beforeConfigure(
                registry -> registry.bind("metricsRegistry", new PrometheusMeterRegistry(PrometheusConfig.DEFAULT)));
    }

    /**
     * The same with none of the routes started, for commands that use their steps.
     *
     * @param target stands in for targetDb; null for the configured one
     */
    public static Application waiting(Path config, Path routes, Database target) throws IOException {
        Application application = of(
                Configuration.read(config, routes, false),
                config,
                target,
                Map.of(
                        "camel.main.autoStartup", "false",
                        "camel.management.enabled", "false",
                        "camel.metrics.enabled", "false"));
        application.endAtOnce();
        return application;
    }

    /** {@link #of(String, String, Map)} with the route not started, for commands that look at its steps. */
    public static Application waiting(String file, String route, Map<String, Database> databases) {
        return of(file, route, databases, Map.of("camel.main.autoStartup", "false"));
    }

    /** On Ctrl-C, where Camel would wait for batches in progress: there are none, or their databases go too. */
    private void endAtOnce() {
        main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    }

    private static Application of(
            Configuration configuration, Path config, Database target, Map<String, String> overrides) {
        Map<String, Database> databases = new LinkedHashMap<>(configuration.databases());
        if (target != null) {
            databases.replace("targetDb", target);
        }
        return new Application(
                config.resolve("application.properties"),
                configuration.routeFiles(),
                pools(databases, configuration::poolSize),
                configuration.managementHosts(),
                overrides);
    }

    private static Map<String, BatchDataSource> pools(Map<String, Database> databases, ToIntFunction<String> size) {
        Map<String, BatchDataSource> pools = new LinkedHashMap<>();
        databases.forEach((name, database) -> pools.put(name, database.pool(name, size.applyAsInt(name))));
        return pools;
    }

    /**
     * Shipped routes on databases of the caller's, for the demo and the benchmarks: without the user's databases,
     * environment and management server.
     *
     * @param home the directory that holds config/ and routes/
     * @param urls JDBC URLs, with user and password, by the name of their data source
     * @param properties what differs from config/application.properties
     * @param routeFiles names of files in routes/
     */
    public static Application shipped(
            Path home, Map<String, String> urls, Map<String, String> properties, String... routeFiles) {
        Map<String, Database> databases = new LinkedHashMap<>();
        urls.forEach((name, url) -> databases.put(name, Database.parse(url)));
        Map<String, String> overrides = new HashMap<>(Map.of(
                "camel.management.enabled", "false",
                "camel.metrics.enabled", "false",
                "camel.main.shutdownTimeout", "10"));
        overrides.putAll(properties);
        Application application = new Application(
                home.resolve("config").resolve("application.properties"),
                Stream.of(routeFiles).map(home.resolve("routes")::resolve).toList(),
                pools(databases, name -> 4),
                List.of(),
                overrides);
        application.endAtOnce();
        application.ignoreEnvironment();
        return application;
    }

    /** What DISPATCH_QUEUE says is for {@code caravan run}. */
    private void ignoreEnvironment() {
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeInitialize(BaseMainSupport support) {
                ((PropertiesComponent) support.getCamelContext().getPropertiesComponent())
                        .setEnvironmentVariableMode(PropertiesComponent.ENVIRONMENT_VARIABLES_MODE_NEVER);
            }
        });
    }

    /**
     * One route from its text, on databases of the caller's; without a management server, and without shutdown hooks: the
     * caller closes it.
     *
     * @param databases by the name of their data source
     * @param file what the route is called in messages, ending in .yaml
     */
    public static Application of(String file, String route, Map<String, Database> databases) {
        return of(file, route, databases, Map.of());
    }

    /** @param others properties that it differs in */
    public static Application of(
            String file, String route, Map<String, Database> databases, Map<String, String> others) {
        Map<String, String> overrides = new HashMap<>(Map.of(
                "camel.main.name",
                file,
                "camel.main.startupSummaryLevel",
                "off",
                "camel.main.autoConfigurationLogSummary",
                "false",
                // batches are waited for as long as they take
                "camel.main.shutdownTimeout",
                Integer.toString(Integer.MAX_VALUE)));
        overrides.putAll(others);
        Application application = new Application(null, List.of(), pools(databases, name -> 4), List.of(), overrides);
        application.endAtOnce();
        application.ignoreEnvironment();
        application.main.addMainListener(new MainListenerSupport() {
            @Override
            public void afterConfigure(BaseMainSupport support) {
                try {
                    PluginHelper.getRoutesLoader(support.getCamelContext())
                            .loadRoutes(ResourceHelper.fromString(file, route));
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        });
        return application;
    }

    /** Runs until a signal stops the process; the exit code. */
    public int run() {
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void afterStart(BaseMainSupport support) {
                Watch watch = watch();
                observe(() -> watch);
                new Announcement(context(), pools).log(console != null, watch);
            }

            @Override
            public void beforeStop(BaseMainSupport support) {
                LOG.info(
                        "stopping; what is in progress has {} s to end",
                        context().getShutdownStrategy().getTimeout());
            }
        });
        try {
            main.run();
            return main.getExitCode();
        } catch (Exception e) {
            throw new ConfigurationException(reason(e));
        }
    }

    /** Starts and returns; {@link #close} ends it. */
    public void start() {
        try {
            main.start();
        } catch (Exception e) {
            throw new ConfigurationException(reason(e));
        }
        observe(this::watch);
    }

    /** @param watch asked only where it is needed */
    private void observe(Supplier<Watch> watch) {
        ManagementHttpServer server = statusPeriod == null ? null : context().hasService(ManagementHttpServer.class);
        if (server != null) {
            poll = new StatusPoll(context(), watch.get(), Limits.PRESET);
            console = new Console(poll, new Acts(context()), consoleToken);
            console.mount(server.getRouter());
            HealthCheckRegistry checks = HealthCheckRegistry.get(context());
            if (checks != null) {
                checks.register(new ConsoleHealth(
                        URI.create(Announcement.management(context())).getAuthority()));
            }
            poll.start(statusPeriod);
        }
    }

    /** What the enabled routes and the databases are to be looked at for. */
    public Watch watch() {
        return described(() -> StatusWatch.of(context(), pools));
    }

    /** What each route is going to do. */
    public Map<String, JobPlans.Plan> plans() {
        return described(() -> JobPlans.of(context()));
    }

    private static <T> T described(Supplier<T> description) {
        try {
            return description.get();
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException(e.getMessage());
        }
    }

    public CamelContext context() {
        return main.getCamelContext();
    }

    /** Stops the routes, waiting for the batches in progress, and closes the databases. */
    @Override
    public void close() {
        if (poll != null) {
            poll.close();
            console.close();
        }
        main.stop();
        pools.values().forEach(BatchDataSource::close);
    }

    /** What failed, without the layers that only say that something failed. */
    private static String reason(Throwable failure) {
        Throwable bottom = failure;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof PropertyBindingException binding) {
                // only the message has the key as the user wrote it
                Matcher key = BOUND_KEY.matcher(String.valueOf(binding.getMessage()));
                return "key " + (key.find() ? key.group(1) : binding.getPropertyName())
                        + " in application.properties: Camel has no such key, or cannot take the value \""
                        + (Secrets.isSecret(binding.getPropertyName()) ? Secrets.MASK : binding.getValue()) + "\"";
            }
            bottom = cause;
        }
        if (failure instanceof FailedToStartRouteException route) {
            return "route \"" + route.getRouteId() + "\" cannot start: " + bottom.getMessage();
        }
        if (failure instanceof FailedToCreateRouteException route) {
            return "route \"" + route.getRouteId() + "\" cannot be made: " + bottom.getMessage();
        }
        return bottom.getMessage() == null
                ? bottom.toString()
                : bottom.getMessage().strip();
    }
}
