package io.pgcaravan.skytools;

import java.io.File;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Layout;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/** Sends each line to syslog as one datagram: to a Unix socket such as /dev/log, or to a host and port. */
final class SyslogAppender extends AbstractAppender {

    private final String host;
    private final int port;
    private final int facility;
    private final String prefix;
    private DatagramSocket socket;

    /**
     * @param host a path for a Unix socket, else a host's name
     * @param facility syslog's number for it
     * @param prefix what stands before each line
     */
    SyslogAppender(String name, Layout<String> layout, String host, int port, int facility, String prefix) {
        super(name, null, layout, true, Property.EMPTY_ARRAY);
        this.host = host;
        this.port = port;
        this.facility = facility;
        this.prefix = prefix;
    }

    @Override
    public synchronized void append(LogEvent event) {
        String line = "<" + (facility * 8 + severity(event.getLevel())) + ">" + prefix
                + ((String) getLayout().toSerializable(event)).stripTrailing();
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        // the second time over a socket of its own: syslog may have been started anew
        for (int attempt = 0; attempt < 2; attempt++) {
            try {
                if (socket == null) {
                    socket = connected();
                }
                socket.send(new DatagramPacket(bytes, bytes.length));
                return;
            } catch (IOException e) {
                // a syslog that is away loses lines, as datagrams do; the next line tries again
                close();
            }
        }
    }

    private DatagramSocket connected() throws IOException {
        boolean unix = host.startsWith("/");
        DatagramSocket made = unix ? AFUNIXDatagramSocket.newInstance() : new DatagramSocket();
        try {
            made.connect(unix ? AFUNIXSocketAddress.of(new File(host)) : new InetSocketAddress(host, port));
            return made;
        } catch (IOException | IllegalArgumentException e) {
            made.close();
            throw new IOException(e);
        }
    }

    private static int severity(Level level) {
        return level.isMoreSpecificThan(Level.FATAL)
                ? 2
                : level.isMoreSpecificThan(Level.ERROR)
                        ? 3
                        : level.isMoreSpecificThan(Level.WARN) ? 4 : level.isMoreSpecificThan(Level.INFO) ? 6 : 7;
    }

    private void close() {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }

    @Override
    public synchronized void stop() {
        close();
        super.stop();
    }
}
