package io.pgcaravan.app;

import io.vertx.core.Vertx;
import io.vertx.ext.auth.authentication.AuthenticationProvider;
import io.vertx.ext.web.handler.AuthenticationHandler;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.Service;
import org.apache.camel.component.platform.http.main.DefaultMainHttpServerFactory;
import org.apache.camel.component.platform.http.main.ManagementHttpServer;
import org.apache.camel.component.platform.http.vertx.auth.AuthenticationConfig;
import org.apache.camel.component.platform.http.vertx.auth.AuthenticationConfig.AuthenticationConfigEntry;
import org.apache.camel.component.platform.http.vertx.auth.AuthenticationConfig.AuthenticationHandlerFactory;
import org.apache.camel.main.HttpManagementServerConfigurationProperties;

/**
 * Makes Camel's management server with a {@link ManagementGuard} before it. What authenticates is put in before the server
 * listens; a route that is added to its router afterwards would leave a moment without.
 */
final class GuardedManagement extends DefaultMainHttpServerFactory {

    private final List<String> names;

    /** @param names by which the server may be called besides those of this machine */
    GuardedManagement(List<String> names) {
        this.names = names;
        HostlessRequests.areNotLogged();
    }

    @Override
    public Service newHttpManagementServer(
            CamelContext context, HttpManagementServerConfigurationProperties properties) {
        ManagementHttpServer server = (ManagementHttpServer) super.newHttpManagementServer(context, properties);
        ManagementGuard guard = new ManagementGuard(properties.getHost(), names);
        AuthenticationConfigEntry entry = new AuthenticationConfigEntry();
        entry.setPath("/*");
        entry.setAuthenticationProviderFactory((Vertx vertx) -> null);
        entry.setAuthenticationHandlerFactory(new AuthenticationHandlerFactory() {
            @Override
            public <T extends AuthenticationProvider> AuthenticationHandler createAuthenticationHandler(T provider) {
                return guard;
            }
        });
        AuthenticationConfig config = server.getConfiguration().getAuthenticationConfig();
        // before an entry of the user's for the same path
        config.getEntries().add(0, entry);
        config.setEnabled(true);
        return server;
    }
}
