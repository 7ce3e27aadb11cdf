package io.pgcaravan.bench;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.SocketFactory;

/**
 * Counts how often a client waits for an answer: bytes that come in after bytes that went out, on any connection of one
 * name. pgjdbc makes it where a URL says {@code socketFactory=io.pgcaravan.bench.RoundTrips&socketFactoryArg=NAME}.
 */
public final class RoundTrips extends SocketFactory {

    private static final Map<String, AtomicLong> COUNTS = new ConcurrentHashMap<>();

    private final AtomicLong count;

    /** @param name under which {@link #of} tells the count */
    public RoundTrips(String name) {
        count = counter(name);
    }

    /** Round trips so far. */
    static long of(String name) {
        return counter(name).get();
    }

    /** The URL, with its connections counted under a name. */
    static String counted(String jdbcUrl, String name) {
        return jdbcUrl + (jdbcUrl.contains("?") ? "&" : "?") + "socketFactory=" + RoundTrips.class.getName()
                + "&socketFactoryArg=" + name;
    }

    private static AtomicLong counter(String name) {
        return COUNTS.computeIfAbsent(name, any -> new AtomicLong());
    }

    @Override
    public Socket createSocket() {
        return new CountedSocket(count);
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        throw new UnsupportedOperationException("pgjdbc connects by itself");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
        return createSocket(host, port);
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        throw new UnsupportedOperationException("pgjdbc connects by itself");
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
            throws IOException {
        return createSocket(address, port);
    }

    private static final class CountedSocket extends Socket {

        private final AtomicLong count;
        private volatile boolean asked;

        CountedSocket(AtomicLong count) {
            this.count = count;
        }

        @Override
        public OutputStream getOutputStream() throws IOException {
            return new FilterOutputStream(super.getOutputStream()) {
                @Override
                public void write(byte[] bytes, int from, int length) throws IOException {
                    out.write(bytes, from, length);
                    asked = true;
                }

                @Override
                public void write(int b) throws IOException {
                    out.write(b);
                    asked = true;
                }
            };
        }

        @Override
        public InputStream getInputStream() throws IOException {
            return new FilterInputStream(super.getInputStream()) {
                @Override
                public int read(byte[] bytes, int from, int length) throws IOException {
                    return answered(in.read(bytes, from, length));
                }

                @Override
                public int read() throws IOException {
                    return answered(in.read());
                }
            };
        }

        private int answered(int read) {
            if (asked && read >= 0) {
                asked = false;
                count.incrementAndGet();
            }
            return read;
        }
    }
}
