using System;
using System.IO;
using System.Text.Json;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Stele;

namespace SteleWeb
{
    /// <summary>A web API over a store that lives in the same process: JSON values under keys.</summary>
    public static class Program
    {
        public static void Main(string[] arguments)
        {
            IConfiguration settings = new ConfigurationBuilder().AddCommandLine(arguments).Build();
            // One store for the whole process, whose threads share it. It is closed when the host has stopped.
            using (Store store = Store.Open(settings["datapath"] ?? "data"))
                Host.CreateDefaultBuilder(arguments)
                    .ConfigureServices(services => services.AddSingleton(store).AddRouting())
                    .ConfigureWebHostDefaults(web => web
                        .UseUrls(settings["urls"] ?? "http://localhost:5000")
                        .Configure(app => app.Use(Failures).UseRouting().UseEndpoints(Routes)))
                    .Build()
                    .Run();
        }

        static void Routes(IEndpointRouteBuilder routes)
        {
            routes.MapGet("/api/data", All);
            routes.MapGet("/api/data/{**key}", Get);
            routes.MapPost("/api/data/{**key}", Set);
            routes.MapDelete("/api/data/{**key}", Delete);
        }

        static Store StoreOf(HttpContext context) => context.RequestServices.GetRequiredService<Store>();

        static string Key(HttpContext context) => (string)context.Request.RouteValues["key"] ?? "";

        //  GET /api/data
        //  200 every key with its value, as one object
        static async Task All(HttpContext context)
        {
            Documents documents = StoreOf(context).Documents;
            context.Response.ContentType = "application/json";
            using (MemoryStream answer = new MemoryStream())
            {
                using (Utf8JsonWriter json = new Utf8JsonWriter(answer))
                using (Rows rows = documents.List())
                {
                    json.WriteStartObject();
                    while (rows.Read())
                    {
                        string key = JsonDocument.Parse(rows.Current.ToArray()).RootElement.GetProperty("Key").GetString();
                        byte[] value = documents.GetUtf8(key);
                        if (value == null) continue; // deleted meanwhile
                        json.WritePropertyName(key);
                        JsonDocument.Parse(value).WriteTo(json);
                    }
                    json.WriteEndObject();
                }
                await context.Response.Body.WriteAsync(answer.GetBuffer(), 0, (int)answer.Length);
            }
        }

        //  GET /api/data/{key}
        //  200 the value, byte for byte as it was given; 404
        static async Task Get(HttpContext context)
        {
            byte[] value = StoreOf(context).Documents.GetUtf8(Key(context));
            if (value == null)
            {
                context.Response.StatusCode = 404;
                return;
            }
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync(value, 0, value.Length);
        }

        //  POST /api/data/{key}
        //  204 the body is stored, on disk; 400 it is no JSON value
        static async Task Set(HttpContext context)
        {
            using (MemoryStream body = new MemoryStream())
            {
                await context.Request.Body.CopyToAsync(body);
                StoreOf(context).Documents.Set(Key(context), new ReadOnlySpan<byte>(body.GetBuffer(), 0, (int)body.Length));
            }
            context.Response.StatusCode = 204;
        }

        //  DELETE /api/data/{key}
        //  204 it is gone, durably; 404
        static Task Delete(HttpContext context)
        {
            context.Response.StatusCode = StoreOf(context).Documents.Delete(Key(context)) ? 204 : 404;
            return Task.CompletedTask;
        }

        /// <summary>What the store refuses is told as JSON, with its causes.</summary>
        static async Task Failures(HttpContext context, Func<Task> next)
        {
            try
            {
                await next();
            }
            catch (StoreException e) when (!context.Response.HasStarted)
            {
                context.Response.StatusCode = Status(e.Result);
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync(JsonSerializer.Serialize(new { Error = e.Message }));
            }
        }

        static int Status(StoreResult result)
        {
            switch (result)
            {
                case StoreResult.Invalid: return 400;
                case StoreResult.NotFound: return 404;
                case StoreResult.TooLarge: return 413;
                case StoreResult.Closed: case StoreResult.Unavailable: case StoreResult.Full: case StoreResult.Exhausted: return 503;
                default: return 500;
            }
        }
    }
}
