package io.pgcaravan.app;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.pgcaravan.camel.Acts;
import io.pgcaravan.camel.BatchDataSource;
import io.pgcaravan.camel.RouteSummary;
import io.pgcaravan.camel.StatusPoll;
import io.pgcaravan.camel.StatusWatch;
import io.pgcaravan.database.Secrets;
import io.pgcaravan.status.Limits;
import io.pgcaravan.status.Watch;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.PropertyBindingException;
import org.apache.camel.Route;
import org.apache.camel.component.platform.http.main.ManagementHttpServer;
import org.apache.camel.component.properties.PropertiesComponent;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.main.SimpleMainShutdownStrategy;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Camel Main application: the databases of config/ bound as data sources, the routes of routes/ started. */
public final class Application implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Application.class);

    private static final Set<String> EVERY_ADDRESS = Set.of("0.0.0.0", "::", "[::]", "0:0:0:0:0:0:0:0");

    private static final Pattern BOUND_KEY = Pattern.compile("\\((camel\\.[^=]+)=");

    private final Main main = new Main();
    private final Map<String, BatchDataSource> pools = new LinkedHashMap<>();
    /** Null where nobody is to look. */
    private Duration statusPeriod;

    /** Null where the console only shows. */
    private String consoleToken;

    private StatusPoll poll;
    private Console console;

    /**
     * @param properties null for none
     * @param managementHosts further names of the management server
     */
    private Application(
            Path properties, List<Path> routeFiles, Map<String, BatchDataSource> pools, List<String> managementHosts) {
        this.pools.putAll(pools);
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
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport support) {
                pools.forEach(support.getCamelContext().getRegistry()::bind);
                support.getCamelContext()
                        .getRegistry()
                        .bind("managementServerFactory", new GuardedManagement(managementHosts));
            }
        });
    }

    /** What the user wrote under config/ and routes/, checked as a whole. */
    public static Application configured(Path config, Path routes) throws IOException {
        Configuration configuration = Configuration.read(config, routes, true);
        Application application = of(configuration, config, Map.of());
        application.measure(configuration.statusPeriod(), configuration.consoleToken());
        return application;
    }

    /** Lets others see what runs, once it does: meters, health, and the looks at the databases that they need. */
    public void measure(Duration period, String token) {
        statusPeriod = period;
        consoleToken = token;
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport support) {
                support.getCamelContext()
                        .getRegistry()
                        .bind("metricsRegistry", new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
            }
        });
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
                target == null ? Map.of() : Map.of("targetDb", target));
        Properties properties = new Properties();
        properties.setProperty("camel.main.autoStartup", "false");
        properties.setProperty("camel.management.enabled", "false");
        properties.setProperty("camel.metrics.enabled", "false");
        application.main.setOverrideProperties(properties);
        application.endsAtOnce();
        return application;
    }

    /** {@link #of(String, String, Map)} with the route not started, for commands that look at its steps. */
    public static Application waiting(String file, String route, Map<String, Database> databases) {
        Application application = of(file, route, databases);
        Properties properties = new Properties();
        properties.setProperty("camel.main.name", file);
        properties.setProperty("camel.main.startupSummaryLevel", "off");
        properties.setProperty("camel.main.autoConfigurationLogSummary", "false");
        properties.setProperty("camel.main.autoStartup", "false");
        application.main.setOverrideProperties(properties);
        application.endsAtOnce();
        return application;
    }

    /** On Ctrl-C: Camel would wait for batches in progress, which there are none of. */
    private void endsAtOnce() {
        main.setShutdownStrategy(new SimpleMainShutdownStrategy());
    }

    private static Application of(Configuration configuration, Path config, Map<String, Database> others) {
        Map<String, BatchDataSource> pools = new LinkedHashMap<>();
        configuration
                .databases()
                .forEach((name, database) ->
                        pools.put(name, others.getOrDefault(name, database).pool(name, configuration.poolSize(name))));
        return new Application(
                config.resolve("application.properties"),
                configuration.routeFiles(),
                pools,
                configuration.managementHosts());
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
        Map<String, BatchDataSource> pools = new LinkedHashMap<>();
        urls.forEach((name, url) -> pools.put(name, Database.parse(url).pool(name, 4)));
        Application application = new Application(
                home.resolve("config").resolve("application.properties"),
                List.of(routeFiles).stream()
                        .map(home.resolve("routes")::resolve)
                        .toList(),
                pools,
                List.of());
        Properties all = new Properties();
        all.setProperty("camel.management.enabled", "false");
        all.setProperty("camel.metrics.enabled", "false");
        all.setProperty("camel.main.shutdownTimeout", "10");
        all.putAll(properties);
        application.main.setOverrideProperties(all);
        // On Ctrl-C the databases go too: waiting for a batch in progress would be in vain.
        application.main.setShutdownStrategy(new SimpleMainShutdownStrategy());
        application.main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeInitialize(BaseMainSupport support) {
                // what DISPATCH_QUEUE says is for run
                ((PropertiesComponent) support.getCamelContext().getPropertiesComponent())
                        .setEnvironmentVariableMode(PropertiesComponent.ENVIRONMENT_VARIABLES_MODE_NEVER);
            }
        });
        return application;
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
        Map<String, BatchDataSource> pools = new LinkedHashMap<>();
        databases.forEach((name, database) -> pools.put(name, database.pool(name, 4)));
        Application application = new Application(null, List.of(), pools, List.of());
        application.main.setShutdownStrategy(new SimpleMainShutdownStrategy());
        Properties properties = new Properties();
        properties.setProperty("camel.main.name", file);
        properties.setProperty("camel.main.startupSummaryLevel", "off");
        properties.setProperty("camel.main.autoConfigurationLogSummary", "false");
        // batches are waited for as long as they take
        properties.setProperty("camel.main.shutdownTimeout", Integer.toString(Integer.MAX_VALUE));
        properties.putAll(others);
        application.main.setOverrideProperties(properties);
        application.main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeInitialize(BaseMainSupport support) {
                ((PropertiesComponent) support.getCamelContext().getPropertiesComponent())
                        .setEnvironmentVariableMode(PropertiesComponent.ENVIRONMENT_VARIABLES_MODE_NEVER);
            }

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

    /** Runs until the process is told to stop; the exit code. */
    public int run() {
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void afterStart(BaseMainSupport support) {
                Watch watch = watch();
                observe(() -> watch);
                announce(support.getCamelContext(), watch);
            }

            @Override
            public void beforeStop(BaseMainSupport support) {
                LOG.info(
                        "stopping; what is in progress has {} s to end",
                        support.getCamelContext().getShutdownStrategy().getTimeout());
            }
        });
        try {
            main.run();
            return main.getExitCode();
        } catch (Exception e) {
            throw new ConfigurationException(said(e));
        }
    }

    /** Starts and returns; {@link #close} ends it. */
    public void start() {
        try {
            main.start();
        } catch (Exception e) {
            throw new ConfigurationException(said(e));
        }
        observe(this::watch);
    }

    /** @param watch asked only where there is somebody to tell */
    private void observe(Supplier<Watch> watch) {
        ManagementHttpServer server = statusPeriod == null ? null : context().hasService(ManagementHttpServer.class);
        if (server != null) {
            poll = new StatusPoll(context(), watch.get(), Limits.PRESET);
            console = new Console(poll, new Acts(context()), consoleToken);
            console.mount(server.getRouter());
            HealthCheckRegistry checks = HealthCheckRegistry.get(context());
            if (checks != null) {
                checks.register(
                        new ConsoleHealth(URI.create(management(context())).getAuthority()));
            }
            poll.start(statusPeriod);
        }
    }

    /** What the enabled routes and the databases are to be looked at for. */
    public Watch watch() {
        try {
            return StatusWatch.of(context(), pools);
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
        }
        if (console != null) {
            console.close();
        }
        main.stop();
        pools.values().forEach(BatchDataSource::close);
    }

    /** Says what runs where, and where to look. The databases follow when they have answered, as nothing waits for them. */
    private void announce(CamelContext context, Watch watch) {
        Map<Boolean, List<Route>> routes = context.getRoutes().stream()
                .collect(Collectors.partitioningBy(route -> context.getRouteController()
                        .getRouteStatus(route.getRouteId())
                        .isStarted()));
        LOG.info(
                "{} runs {}{}; {}",
                new Version().getVersion()[0],
                routes.get(true).isEmpty() ? "no route" : names(routes.get(true)),
                routes.get(false).isEmpty() ? "" : " (off: " + names(routes.get(false)) + ")",
                property(context, "camel.management.enabled").equals("true")
                        ? (console == null ? "" : "console: " + management(context) + "; ") + "health: "
                                + management(context).replaceFirst("/$", "")
                                + property(context, "camel.management.healthPath") + "/ready"
                        : "no console, no health");
        for (Route route : routes.get(true)) {
            LOG.info("{}: {}", route.getRouteId(), RouteSummary.of(route, this::name));
        }
        Thread asking = new Thread(
                () -> pools.forEach((name, database) -> {
                    if (watch.matters(name)) {
                        announce(database);
                    }
                }),
                "caravan-databases");
        asking.setDaemon(true);
        asking.start();
    }

    /** Where the console is, for somebody on this machine, which always is a name that the port answers to. */
    private static String management(CamelContext context) {
        String host = property(context, "camel.management.host");
        return "http://" + (EVERY_ADDRESS.contains(host) ? "127.0.0.1" : host.contains(":") ? "[" + host + "]" : host)
                + ":" + property(context, "camel.management.port") + "/";
    }

    private static void announce(BatchDataSource database) {
        try (Connection connection = database.unpooled().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select current_setting('server_version'),"
                        + " (select extversion from pg_extension where extname = 'pgq'), pg_is_in_recovery()")) {
            row.next();
            String pgq = row.getString(2);
            LOG.info(
                    "{}: PostgreSQL {}{}{}",
                    database,
                    row.getString(1),
                    pgq == null ? "" : ", PgQ " + pgq,
                    row.getBoolean(3) ? ", a standby" : "");
        } catch (SQLException e) {
            LOG.warn("{}: {}", database, Secrets.masked(e.getMessage()));
        }
    }

    private String name(DataSource database) {
        return pools.entrySet().stream()
                .filter(pool -> pool.getValue() == database)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseGet(() -> Secrets.masked(String.valueOf(database)));
    }

    private static String names(List<Route> routes) {
        return routes.stream().map(Route::getRouteId).collect(Collectors.joining(", "));
    }

    private static String property(CamelContext context, String key) {
        return context.getPropertiesComponent().resolveProperty(key).orElse("");
    }

    /** What failed, without the layers that only say that something failed. */
    private static String said(Throwable failure) {
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
            if (cause.getCause() == cause) {
                break;
            }
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
