# The hub in a container:
#   docker build -t recado .
#   docker run -p 127.0.0.1:5070:5070 -p 127.0.0.1:1883:1883 -v recado:/data recado
FROM node:24-alpine AS package
WORKDIR /recado
COPY package.json package-lock.json .npmrc ./
COPY tools tools
RUN npm ci
COPY . .
RUN npm pack --pack-destination /tmp && mv /tmp/recado-*.tgz /tmp/recado.tgz

FROM node:24-alpine
COPY --from=package /tmp/recado.tgz /tmp/
RUN npm install --global --loglevel=error /tmp/recado.tgz \
  && npm cache clean --force \
  && rm /tmp/recado.tgz \
  && mkdir /data \
  && chown node:node /data
USER node
WORKDIR /data
VOLUME /data
# Inside, the ports are open to the container's own network; what of it others reach is for `-p` to say. Nobody comes in
# before there is an account: the log has a link for the first one.
ENV NODE_ENV=production \
  RECADO_DATA_DIR=/data \
  RECADO_HTTP_HOST=0.0.0.0 \
  RECADO_HTTP_HOST_NAMES=localhost \
  RECADO_MQTT_HOST=0.0.0.0 \
  RECADO_GATEWAYS_SOCKET_HOST=0.0.0.0
EXPOSE 5070 1883 5050 5060/udp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:5070/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["recado"]
CMD ["hub"]
