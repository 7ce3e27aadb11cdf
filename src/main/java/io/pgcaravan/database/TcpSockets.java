package io.pgcaravan.database;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketOption;
import javax.net.SocketFactory;
import jdk.net.ExtendedSocketOptions;

/** Gives the driver sockets with what libpq can say of them and the driver cannot: hostaddr and the times of keepalives. */
public final class TcpSockets extends SocketFactory {

    private final String address;
    private final String idle;
    private final String interval;
    private final String count;

    /** @param argument what {@link #argument} made */
    public TcpSockets(String argument) {
        String[] parts = argument.split(",", -1);
        address = parts[0];
        idle = parts[1];
        interval = parts[2];
        count = parts[3];
    }

    /** Each is empty where it is the system's to say. */
    static String argument(String address, String idle, String interval, String count) {
        return String.join(",", address, idle, interval, count);
    }

    @Override
    public Socket createSocket() throws IOException {
        Socket socket = new Socket() {
            @Override
            public void connect(SocketAddress to, int timeout) throws IOException {
                super.connect(
                        address.isEmpty()
                                ? to
                                : new InetSocketAddress(
                                        InetAddress.getByName(address), ((InetSocketAddress) to).getPort()),
                        timeout);
            }
        };
        set(socket, ExtendedSocketOptions.TCP_KEEPIDLE, idle);
        set(socket, ExtendedSocketOptions.TCP_KEEPINTERVAL, interval);
        set(socket, ExtendedSocketOptions.TCP_KEEPCOUNT, count);
        return socket;
    }

    private static void set(Socket socket, SocketOption<Integer> option, String value) throws IOException {
        if (!value.isEmpty() && socket.supportedOptions().contains(option)) {
            socket.setOption(option, Integer.valueOf(value));
        }
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress from, int fromPort) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort) throws IOException {
        return connected(new InetSocketAddress(host, port));
    }

    private Socket connected(InetSocketAddress to) throws IOException {
        Socket socket = createSocket();
        socket.connect(to, 0);
        return socket;
    }
}
