package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.Configuration;
import io.pgcaravan.app.Watchdog;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code caravan install-service}: a file that has the system run the jobs. It starts nothing. */
@Command(
        name = "install-service",
        mixinStandardHelpOptions = true,
        description = {
            "Writes a hardened systemd unit, or an init script, that runs the routes under a user of their own.",
            "The configuration is checked first. Nothing is started; what to run next is printed."
        })
final class InstallService implements Callable<Integer> {

    /** What a stop may take besides the two waits for a batch (of the routes, and of the commit after them), seconds. */
    private static final int BESIDES = 15;

    @Spec
    private CommandSpec spec;

    @Option(names = "--name", defaultValue = "pgcaravan", description = "Name of the service; default is pgcaravan.")
    private String name;

    @Option(
            names = "--user",
            defaultValue = "pgcaravan",
            description = "The system's user that it runs as; default is pgcaravan.")
    private String user;

    @Option(
            names = "--config",
            paramLabel = "DIR",
            description =
                    "Directory with application.properties and log4j2.properties; default is config/ beside caravan.")
    private Path config;

    @Mixin
    private RoutesOption routes;

    @Option(
            names = "--write",
            paramLabel = "DIR",
            description = "A further directory that routes write to, besides the drop directories. May be repeated.")
    private List<Path> more = new ArrayList<>();

    @Option(names = "--init", description = "An init script, for systems without systemd.")
    private boolean init;

    @Option(names = "--print", description = "Print it, rather than write a file.")
    private boolean print;

    @Option(
            names = "--to",
            paramLabel = "FILE",
            description =
                    "Where to write it; default is /etc/systemd/system/NAME.service or, with --init, /etc/init.d/NAME.")
    private Path to;

    @Override
    public Integer call() throws IOException {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9_.-]*") || !user.matches("[A-Za-z_][A-Za-z0-9_.-]*")) {
            throw new ParameterException(
                    spec.commandLine(),
                    "names of services and users are letters, digits, dots, hyphens and underscores");
        }
        Path home = Path.of(System.getProperty("caravan.home", "."))
                .toAbsolutePath()
                .normalize();
        Path configuration = absolute(DatabaseOption.configOr(config));
        Path routeFiles = absolute(routes.routes());
        Path working = Path.of("/var/lib", name);
        Configuration read = Configuration.read(configuration, routeFiles, false);
        Set<Path> written = new TreeSet<>();
        read.directories()
                .forEach(directory -> written.add(working.resolve(directory).normalize()));
        more.forEach(directory -> written.add(absolute(directory)));
        written.removeIf(directory -> directory.startsWith(working));
        Path launcher = launcher(home);
        Path java = Path.of(System.getProperty("java.home"));
        boolean inHomes =
                List.of(home, configuration, routeFiles, java).stream().anyMatch(InstallService::isBelowHomes)
                        || written.stream().anyMatch(InstallService::isBelowHomes);
        int stop = 2 * read.shutdownTimeout() + BESIDES;
        List<String> command = List.of(
                launcher.toString(), "run", "--config", configuration.toString(), "--routes", routeFiles.toString());
        Map<String, String> values = new LinkedHashMap<>();
        values.put("NAME", name);
        values.put("USER", user);
        values.put("STOP", Integer.toString(stop));
        if (init) {
            values.put("JAVA_HOME", Watchdog.commandLine(List.of(java.toString())));
            values.put("COMMAND", Watchdog.commandLine(command));
        } else {
            values.put("JAVA_HOME", unitWord("JAVA_HOME=" + java));
            values.put("COMMAND", command.stream().map(InstallService::unitWord).collect(Collectors.joining(" ")));
            values.put("PROTECT_HOME", inHomes ? "read-only" : "yes");
            values.put(
                    "WRITE",
                    written.stream()
                            .map(directory -> "ReadWritePaths=" + unitWord(directory.toString()) + "\n")
                            .collect(Collectors.joining()));
        }
        String text = template(init ? "service.init" : "service.unit");
        for (Map.Entry<String, String> value : values.entrySet()) {
            text = text.replace("@" + value.getKey() + "@", value.getValue());
        }
        if (print) {
            spec.commandLine().getOut().print(text);
            spec.commandLine().getOut().flush();
        } else {
            write(text, written, launcher);
        }
        return 0;
    }

    private void write(String text, Set<Path> written, Path launcher) throws IOException {
        Path file = to != null
                ? to
                : init ? Path.of("/etc/init.d", name) : Path.of("/etc/systemd/system", name + ".service");
        try {
            Files.writeString(file, text);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(init ? "rwxr-xr-x" : "rw-r--r--"));
        } catch (IOException e) {
            throw new CommandFailedException(
                    "cannot write " + file + ": " + e + " (--to FILE names another, --print writes none)");
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("wrote " + file + "; next:");
        out.println("  id " + user + " || useradd --system --home-dir /var/lib/" + name + " --shell /usr/sbin/nologin "
                + user);
        if (init) {
            out.println("  install -d -o " + user + " /var/lib/" + name);
        }
        for (Path directory : written) {
            out.println("  install -d -o " + user + " " + Watchdog.commandLine(List.of(directory.toString())));
        }
        out.println("  " + Watchdog.commandLine(List.of(launcher.toString(), "class-data")));
        out.println(
                init
                        ? "  update-rc.d " + name + " defaults && service " + name + " start"
                        : "  systemctl daemon-reload && systemctl enable --now " + name);
        out.println("Passwords go to /etc/default/" + name + " (root's, mode 0600), as DATABASE_SOURCEDB_PASSWORD=...");
        out.flush();
    }

    private static Path launcher(Path home) {
        Path released = home.resolve("bin").resolve("caravan");
        return Files.isRegularFile(released) ? released : home.resolve("caravan");
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    private static boolean isBelowHomes(Path path) {
        return path.startsWith("/home") || path.startsWith("/root") || path.startsWith("/run/user");
    }

    /** A word of a unit file's list, taken literally. */
    private static String unitWord(String word) {
        if (word.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("a line break in \"" + word + "\": use a path without one");
        }
        String literal = word.replace("%", "%%");
        return literal.matches("[A-Za-z0-9_./:=@%+-]+")
                ? literal
                : "\"" + literal.replace("\\", "\\\\").replace("\"", "\\\"").replace("$", "$$") + "\"";
    }

    private static String template(String resource) throws IOException {
        try (InputStream stream = InstallService.class.getResourceAsStream(resource)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
