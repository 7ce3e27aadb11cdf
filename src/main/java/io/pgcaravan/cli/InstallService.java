package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.Configuration;
import io.pgcaravan.server.Watchdog;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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

    @Mixin
    private ConfigOption config;

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
        Path home = absolute(Path.of(System.getProperty("caravan.home", ".")));
        Path configuration = absolute(config.directory());
        Path routeFiles = absolute(routes.directory());
        Configuration read = Configuration.read(configuration, routeFiles, false);
        Set<Path> written = written(read);
        Path released = home.resolve("bin").resolve("caravan");
        String launcher = (Files.isRegularFile(released) ? released : home.resolve("caravan")).toString();
        Path java = Path.of(System.getProperty("java.home"));
        boolean inHomes = Stream.concat(Stream.of(home, configuration, routeFiles, java), written.stream())
                .anyMatch(path -> path.startsWith("/home") || path.startsWith("/root") || path.startsWith("/run/user"));
        Stream<String> command =
                Stream.of(launcher, "run", "--config", configuration.toString(), "--routes", routeFiles.toString());
        String text = template(init ? "service.init" : "service.unit")
                .replace("@NAME@", name)
                .replace("@USER@", user)
                .replace("@STOP@", Integer.toString(2 * read.shutdownTimeout() + BESIDES));
        if (init) {
            text = text.replace("@JAVA_HOME@", Watchdog.commandLine(List.of(java.toString())))
                    .replace("@COMMAND@", Watchdog.commandLine(command.toList()));
        } else {
            String paths = written.stream()
                    .map(directory -> "ReadWritePaths=" + unitWord(directory.toString()) + "\n")
                    .collect(Collectors.joining());
            text = text.replace("@JAVA_HOME@", unitWord("JAVA_HOME=" + java))
                    .replace("@COMMAND@", command.map(InstallService::unitWord).collect(Collectors.joining(" ")))
                    .replace("@PROTECT_HOME@", inHomes ? "read-only" : "yes")
                    .replace("@WRITE@", paths);
        }
        if (print) {
            spec.commandLine().getOut().print(text);
        } else {
            write(text);
            printNext(written, launcher);
        }
        return 0;
    }

    /** The directories that routes write to, besides the service's own. */
    private Set<Path> written(Configuration read) {
        Path working = Path.of("/var/lib", name);
        Set<Path> written = new TreeSet<>();
        read.directories()
                .forEach(directory -> written.add(working.resolve(directory).normalize()));
        more.forEach(directory -> written.add(absolute(directory)));
        written.removeIf(directory -> directory.startsWith(working));
        return written;
    }

    private Path file() {
        if (to != null) {
            return to;
        }
        return init ? Path.of("/etc/init.d", name) : Path.of("/etc/systemd/system", name + ".service");
    }

    private void write(String text) {
        try {
            Files.writeString(file(), text);
            Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString(init ? "rwxr-xr-x" : "rw-r--r--"));
        } catch (IOException e) {
            throw new CommandFailedException(
                    "cannot write " + file() + ": " + e + " (--to FILE names another, --print writes none)");
        }
    }

    private void printNext(Set<Path> written, String launcher) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("wrote " + file() + "; next:");
        out.printf(
                "  id %s || useradd --system --home-dir /var/lib/%s --shell /usr/sbin/nologin %s%n", user, name, user);
        if (init) {
            out.printf("  install -d -o %s /var/lib/%s%n", user, name);
        }
        written.forEach(directory ->
                out.println("  install -d -o " + user + " " + Watchdog.commandLine(List.of(directory.toString()))));
        out.println("  " + Watchdog.commandLine(List.of(launcher, "class-data")));
        out.printf(
                init
                        ? "  update-rc.d %s defaults && service %s start%n"
                        : "  systemctl daemon-reload && systemctl enable --now %s%n",
                name,
                name);
        out.println("Passwords go to /etc/default/" + name + " (root's, mode 0600), as DATABASE_SOURCEDB_PASSWORD=...");
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
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
