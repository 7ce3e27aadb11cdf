package io.pgcaravan.database;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import javax.net.SocketFactory;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/**
 * Gives the driver connected Unix sockets, which it cannot open itself. It is made by the driver, by its name; only then is
 * junixsocket's native library loaded, so that programs without Unix sockets start as fast as before.
 */
public final class UnixSockets extends SocketFactory {

    /** Between the arguments that the driver hands on as one; in no path and no name. */
    private static final String SEPARATOR = "\n";

    private final String path;
    private final String requiredPeer;

    /** @param argument what {@link #argument} made */
    public UnixSockets(String argument) {
        String[] parts = argument.split(SEPARATOR, -1);
        path = parts[0];
        requiredPeer = parts[1];
    }

    /** @param requiredPeer the operating system's user that the server has to run as, empty for any */
    static String argument(String path, String requiredPeer) {
        return path + SEPARATOR + requiredPeer;
    }

    @Override
    public Socket createSocket() throws IOException {
        try {
            // an abstract socket's name starts with a zero byte, which is written as @
            AFUNIXSocket socket = AFUNIXSocket.connectTo(
                    path.startsWith("@")
                            ? AFUNIXSocketAddress.inAbstractNamespace(path.substring(1))
                            : AFUNIXSocketAddress.of(path.getBytes(StandardCharsets.UTF_8)));
            if (!requiredPeer.isEmpty()) {
                checkPeer(socket);
            }
            return socket;
        } catch (LinkageError | UnsupportedOperationException e) {
            throw new IOException(
                    "Unix sockets cannot be used here (" + e.getMessage() + "): connect by TCP, host=localhost, or let"
                            + " CARAVAN_JAVA_OPTS=-Dorg.newsclub.net.unix.library.tmpdir=DIR name a directory from which"
                            + " libraries may be loaded",
                    e);
        }
    }

    private void checkPeer(AFUNIXSocket socket) throws IOException {
        long uid = socket.getPeerCredentials().getUid();
        String peer = UserNames.of(uid);
        if (!requiredPeer.equals(peer)) {
            socket.close();
            throw new IOException("requirepeer says that the server runs as \"" + requiredPeer + "\", but it runs as "
                    + (peer == null ? "the user with the id " + uid : "\"" + peer + "\""));
        }
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return createSocket();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress from, int fromPort) throws IOException {
        return createSocket();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        return createSocket();
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort) throws IOException {
        return createSocket();
    }
}
