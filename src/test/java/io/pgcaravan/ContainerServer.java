package io.pgcaravan;

import com.github.dockerjava.api.model.ExposedPort;
import com.github.dockerjava.api.model.PortBinding;
import io.pgcaravan.server.ThrowAwayServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.images.builder.ImageFromDockerfile;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** The image of docker/postgres-pgq, run by Testcontainers. */
final class ContainerServer extends ThrowAwayServer {

    private static final String IMAGE = "pgcaravan/postgres-pgq";

    private final PostgreSQLContainer container;
    private final int port;

    private ContainerServer(PostgreSQLContainer container, int port) {
        this.container = container;
        this.port = port;
    }

    static boolean available() {
        return DockerClientFactory.instance().isDockerAvailable();
    }

    static ContainerServer start() {
        String image = imageIsThere()
                ? IMAGE
                : new ImageFromDockerfile(IMAGE, false)
                        .withFileFromPath(".", Path.of("docker/postgres-pgq"))
                        .get();
        int port = freePort();
        // The port is bound firmly, since Docker gives out a new one when a container starts again.
        @SuppressWarnings("resource") // closed by close()
        PostgreSQLContainer container = new PostgreSQLContainer(
                        DockerImageName.parse(image).asCompatibleSubstituteFor("postgres"))
                .withUsername("caravan")
                .withPassword("caravan")
                .withCommand(
                        "postgres",
                        "-c",
                        "fsync=off",
                        "-c",
                        "full_page_writes=off",
                        "-c",
                        "max_prepared_transactions=50")
                .withCreateContainerCmdModifier(create -> create.getHostConfig()
                        .withPortBindings(PortBinding.parse("127.0.0.1:" + port + ":" + ExposedPort.tcp(5432))));
        container.start();
        return new ContainerServer(container, port);
    }

    private static boolean imageIsThere() {
        return !DockerClientFactory.instance()
                .client()
                .listImagesCmd()
                .withImageNameFilter(IMAGE)
                .exec()
                .isEmpty();
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException("no free port on 127.0.0.1", e);
        }
    }

    @Override
    public String description() {
        return "PostgreSQL in a container on port " + port;
    }

    @Override
    public String jdbcUrl(String database) {
        return ThrowAwayServer.loopbackUrl(port, database, "caravan", "caravan");
    }

    @Override
    public void stop(boolean immediate) {
        String id = container.getContainerId();
        if (immediate) {
            container.getDockerClient().killContainerCmd(id).exec();
        } else {
            container.getDockerClient().stopContainerCmd(id).exec();
        }
    }

    @Override
    public void startAgain() {
        container
                .getDockerClient()
                .startContainerCmd(container.getContainerId())
                .exec();
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(this::answers);
    }

    private boolean answers() {
        try {
            DriverManager.getConnection(jdbcUrl("postgres")).close();
            return true;
        } catch (SQLException notYet) {
            return false;
        }
    }

    @Override
    protected void end() {
        container.close();
    }
}
