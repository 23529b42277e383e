package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/gin-gonic/gin"
)

func router(im *importer) *gin.Engine {
	r := gin.New()
	r.Use(gin.Recovery())
	r.GET("/health", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "healthy"}) })
	r.POST("/upload", im.upload)
	return r
}

func (im *importer) upload(c *gin.Context) {
	fail := func(status int, message string) { c.JSON(status, gin.H{"error": message}) }

	header, err := c.FormFile("file")
	if err != nil {
		fail(http.StatusBadRequest, "No file uploaded")
		return
	}
	switch strings.ToLower(filepath.Ext(header.Filename)) {
	case ".xlsx", ".xls":
	default:
		fail(http.StatusBadRequest, "Only Excel files allowed")
		return
	}
	// The name is the user's; the place on disk is ours.
	folder, err := os.MkdirTemp("", "go-twin-")
	if err != nil {
		fail(http.StatusInternalServerError, "Failed to save file")
		return
	}
	defer os.RemoveAll(folder)
	saved := filepath.Join(folder, "upload.xlsx")
	if err := c.SaveUploadedFile(header, saved); err != nil {
		fail(http.StatusInternalServerError, "Failed to save file")
		return
	}

	method := c.DefaultQuery("method", "batch")
	result, err := im.run(method, saved)
	switch {
	case errors.Is(err, errMethod):
		fail(http.StatusBadRequest, "Invalid method. Use: sequential, concurrent, or batch")
	case err != nil:
		fail(http.StatusInternalServerError, err.Error())
	default:
		c.JSON(http.StatusOK, gin.H{"message": "Import completed successfully", "method": method, "stats": result})
	}
}
