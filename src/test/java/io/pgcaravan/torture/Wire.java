package io.pgcaravan.torture;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The network between a job and its server, which may stall or be cut. */
final class Wire implements AutoCloseable {

    private static final Pattern SERVER = Pattern.compile("//([^:/]+):(\\d+)/");

    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Matcher server;
    private final String url;
    private boolean stalled;
    private boolean swallows;

    /** @param url JDBC, of a server that the job is to reach over this wire */
    Wire(String url) throws IOException {
        this.url = url;
        server = SERVER.matcher(url);
        if (!server.find()) {
            throw new IllegalArgumentException("no host and port in " + url);
        }
        start(() -> {
            while (true) {
                Socket client = listener.accept();
                client.setTcpNoDelay(true);
                start(() -> connect(client));
            }
        });
    }

    /** The JDBC URL for the job. */
    String url() {
        return server.replaceFirst("//127.0.0.1:" + listener.getLocalPort() + "/");
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException | InterruptedException e) {
                // cut
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void connect(Socket client) throws IOException {
        try {
            Socket backend = new Socket(server.group(1), Integer.parseInt(server.group(2)));
            backend.setTcpNoDelay(true);
            start(() -> pass(client, backend, false));
            start(() -> pass(backend, client, true));
        } catch (IOException e) {
            // the server is down
            client.close();
        }
    }

    private void pass(Socket from, Socket to, boolean answers) throws IOException, InterruptedException {
        sockets.add(from);
        try (from;
                to) {
            byte[] buffer = new byte[8192];
            for (int n; (n = from.getInputStream().read(buffer)) >= 0; ) {
                synchronized (this) {
                    while (stalled || swallows && answers) {
                        wait();
                    }
                }
                to.getOutputStream().write(buffer, 0, n);
            }
        } finally {
            sockets.remove(from);
        }
    }

    private synchronized void set(boolean stalled, boolean swallows) {
        this.stalled = stalled;
        this.swallows = swallows;
        notifyAll();
    }

    /** Nothing passes for a while; then all that was held does. */
    void stall(long millis) throws InterruptedException {
        set(true, false);
        Thread.sleep(millis);
        set(false, false);
    }

    /** From now on no answer passes, and after a while the connections are cut. */
    void swallow(long millis) {
        set(false, true);
        start(() -> {
            Thread.sleep(millis);
            cut();
            set(false, false);
        });
    }

    /** As if a cable were drawn: both ends get a reset. */
    void cut() throws IOException {
        for (Socket socket : sockets) {
            try (socket) {
                socket.setSoLinger(true, 0);
            } catch (IOException e) {
                // closed already
            }
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        cut();
        set(false, false);
    }

    @Override
    public String toString() {
        return url;
    }
}
