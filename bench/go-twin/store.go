package main

import (
	"os"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// business is a row of the directory. Its table comes from AutoMigrate: nine text columns, six indexes, a soft delete.
type business struct {
	ID          uint   `gorm:"primarykey"`
	Name        string `gorm:"not null;index"`
	Category    string `gorm:"index"`
	Phone       string
	Email       string `gorm:"index"`
	Address     string
	City        string `gorm:"index"`
	Country     string `gorm:"index"`
	Website     string
	Description string `gorm:"type:text"`
	CreatedAt   time.Time
	UpdatedAt   time.Time
	DeletedAt   gorm.DeletedAt `gorm:"index"`
}

const columns = 9

// fromRow takes a row with all its columns.
func fromRow(row []string) business {
	return business{
		Name: row[0], Category: row[1], Phone: row[2], Email: row[3], Address: row[4],
		City: row[5], Country: row[6], Website: row[7], Description: row[8],
	}
}

func connect() (*gorm.DB, error) {
	dsn := os.Getenv("DATABASE_URL")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/businesses?sslmode=disable"
	}
	return gorm.Open(postgres.Open(dsn), &gorm.Config{
		Logger:      logger.Default.LogMode(logger.Silent),
		PrepareStmt: true,
	})
}

func migrate(db *gorm.DB) error {
	return db.AutoMigrate(&business{})
}

func recreate(db *gorm.DB) error {
	if err := db.Migrator().DropTable(&business{}); err != nil {
		return err
	}
	return migrate(db)
}
